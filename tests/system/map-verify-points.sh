#!/bin/bash
# verify shows where a certificate says that its CRL is, to be copied as
# crl-url, and nothing of a certificate that no trusted CA signed.
set -eu
# shellcheck source=tests/lib/fetch.sh
. "$SRC/tests/lib/fetch.sh"

# verify NAME OPTION…: of $R/NAME/NAME.crt
verify()
{
	local name=$1

	shift
	rc=0
	certlogin-map --trust "$R/etc/trust.conf" verify "$@" \
	    --cert "$R/$name/$name.crt" >"$R/out" 2>"$R/err" || rc=$?
}

says()
{
	grep -qxF "  $1" "$R/out" || give_up "no '$1': $(cat "$R/out")"
}

points='URI:http://pki.test:8080/lab.crl, URI:ldap:///CN=lab?crl, URI:https://user:pass@pki.test/lab.crl'

fetch_make
server 8080
lab_issue "$R/lab" pointed crlDistributionPoints="$points"
verify pointed
[ $rc -eq 0 ] || give_up "exit $rc: $(cat "$R/out" "$R/err")"
says "crl-url    http://pki.test:8080/lab.crl"
says "its CRL    ldap:///CN=lab?crl"
says "its CRL    https://user:pass@pki.test/lab.crl"
crl_url "$(sed -n 's/^  crl-url *//p' "$R/out")"
fetched "$R/web/lab.crl" new

verify pointed --json
python3 - "$R/out" <<'END2' || give_up "JSON: $(cat "$R/out")"
import json, sys
c = json.load(open(sys.argv[1]))["certificate"]
assert c["crl_points"] == ["http://pki.test:8080/lab.crl",
    "ldap:///CN=lab?crl", "https://user:pass@pki.test/lab.crl"]
assert c["crl_points_problem"] == ""
END2

echo "none"
verify good
[ $rc -eq 0 ] || give_up "exit $rc: $(cat "$R/out" "$R/err")"
! grep -qE 'crl-url|its CRL' "$R/out" || give_up "of nothing: $(cat "$R/out")"

echo "malformed, and what would reach the terminal: said, and no refusal"
lab_issue "$R/lab" malformed 2.5.29.31=DER:3003310178
verify malformed
[ $rc -eq 0 ] || give_up "exit $rc: $(cat "$R/out" "$R/err")"
says "its CRL    (extension cRLDistributionPoints: not of its form in RFC 5280 4.2.1.13)"
lab_issue "$R/lab" escaped 2.5.29.31=DER:300b3009a007a00586031b5b6d
verify escaped
says 'its CRL    \x1b[m'

echo "of a CA that nobody trusts"
lab_ca "$R/strange" "/CN=Lab users"
lab_issue "$R/strange" stranger crlDistributionPoints="$points"
verify stranger
[ $rc -eq 1 ] || give_up "exit $rc: $(cat "$R/out" "$R/err")"
! grep -q 'pki.test' "$R/out" || give_up "it was read: $(cat "$R/out")"
