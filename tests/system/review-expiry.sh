#!/bin/bash
# A certificate or a rule runs out while somebody is logged in: the session
# ends that very second, or stays where on-expiry is keep.
# also-in: no-sandbox
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/lab.sh
. "$SRC/tests/lib/lab.sh"
# shellcheck source=tests/lib/review.sh
. "$SRC/tests/lib/review.sh"

MAP=$R/etc/identity.map
TODAY=$(date -u +%Y-%m-%d)
TOMORROW=$(date -u -d "$TODAY + 1 day" +%s)

stamp()
{
	date -u -d "@$1" +%y%m%d%H%M%SZ
}

is_past()
{
	[ "$(date +%s)" -gt "$1" ]
}

realm_make
review_make
lab_realm
# another authority, of the same names
lab_ca "$R/lab2" "/CN=Lab users who stay"
lab_crl "$R/lab2" "$R/etc/crl/lab2.crl"
cp "$R/lab2/ca.crt" "$R/etc/ca/lab2.crt"
sed -n '/^\[authority lab\]/,$p' "$R/etc/trust.conf" |
    sed 's/lab\([].]\)/lab2\1/' | sed 's/lab2\.example/lab.example/' \
    >"$R/lab2.conf"
echo 'on-expiry  = keep' >>"$R/lab2.conf"
{
	echo
	cat "$R/lab2.conf"
} >>"$R/etc/trust.conf"
echo 'allow user lab2 uri=spiffe://lab.example/user/{name} as {name}' >>"$MAP"
daemon_start
without good good alice

echo "a certificate that lives for some seconds"
end=$(($(date +%s) + 12))
lab_issue "$R/lab" short "to=$(stamp $end)"
lab_issue "$R/lab2" kept "to=$(stamp $end)"
without short short alice
without kept kept alice
! is_past $end || give_up "this host is too slow"
wait_for 20 is_past $end || give_up "no end"
BEGAN=$(((end + 1) * 1000))
ended short 'the certificate, or one of a CA above it, has expired'
log_has 'ended: .*: expired: expired, and on-expiry of authority lab is end' ||
    give_up "not logged"
stays good kept
refused kept alice 'expired' 'expired'

echo "what stays beyond its date is not beyond everything"
log_mark
echo "# another line" >>"$MAP"
judged_again
stays good kept
lab_revoke "$R/lab2" kept
change
lab_crl "$R/lab2" "$R/etc/crl/lab2.crl"
ended kept 'the certificate is revoked'
stays good

echo "a rule that ends today, and a CRL of tomorrow"
log_mark
sed -i "s/^\(allow user lab .*\)/\1 until=$TODAY/" "$MAP"
judged_again
stays good
lab_issue "$R/lab2" kept
without kept kept alice
change
lab_crl "$R/lab" "$R/etc/crl/lab.crl" -crl_lastupdate "$(stamp "$TOMORROW")"
ended good 'your certificate is trusted, but its access here has ended'
stays kept
