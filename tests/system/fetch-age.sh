#!/bin/bash
# fetch-crls complains, by its exit status, on stderr and in the log, when no
# CRL counts, or the one in place is past half of its life and no newer one
# could be had; not before.
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"
# shellcheck source=tests/lib/fetch.sh
. "$SRC/tests/lib/fetch.sh"

# when OFFSET: as openssl wants it
when()
{
	date -u -d "$1" +%Y%m%d%H%M%SZ
}

# put_crl FILE FROM TO
put_crl()
{
	lab_crl "$R/lab" "$1" -crl_lastupdate "$(when "$2")" \
	    -crl_nextupdate "$(when "$3")"
}

# complains REASON: exit 1 and a line, the same in the log
complains()
{
	: >"$R/log"
	fetch
	[ $rc -eq 1 ] || give_up "exit $rc, not 1: $(cat "$R/err")"
	grep -qE -- "$1" "$R/err" || give_up "no '$1': $(cat "$R/err")"
	wait_for 5 grep -qE -- "certloginctl.*warning: .*$1" "$R/log" ||
	    give_up "the log has no '$1': $(cat "$R/log")"
}

content()
{
	fetch
	[ $rc -eq 0 ] || give_up "exit $rc: $(cat "$R/err")"
	! grep -q 'half of its life' "$R/err" ||
	    give_up "it complains: $(cat "$R/err")"
}

fetch_make
pam_dev
pam_syslog
SERVERS+=("$SYSLOG")
server 8080

echo "fresh, and no server"
put_crl "$CRL" '-4 days' '+6 days'
crl_url http://pki.test:8081/lab.crl
content
grep -q 'not fetched' "$R/err" || give_up "no word about it"

echo "past half, and no server"
put_crl "$CRL" '-6 days' '+4 days'
complains 'past half of its life since 20.*T.*Z, and counts until 20'

echo "past half, and the server has the same"
cp "$CRL" "$R/web/lab.crl"
crl_url "$URL/lab.crl"
complains 'past half of its life'

echo "past half, and the server has an older one"
put_crl "$R/web/lab.crl" '-6 days' '+3 days'
put_crl "$CRL" '-6 days' '+4 days'
complains 'past half of its life'
grep -q 'refused: rolled back' "$R/err" || give_up "no word of that"

echo "a newer one that is past half itself"
put_crl "$R/web/lab.crl" '-6 days' '+5 days'
complains 'past half of its life'
cmp "$R/web/lab.crl" "$CRL" || give_up "it was not taken"

echo "stale"
put_crl "$CRL" '-9 days' '-1 days'
crl_url http://pki.test:8081/lab.crl
complains 'past half of its life'

echo "none in place"
rm "$CRL"
complains 'there is none in place that counts \(.*does not exist'

echo "one of somebody else in place"
lab_ca "$R/forger" "/CN=Lab users"
lab_crl "$R/forger" "$CRL"
complains 'there is none in place that counts \(forged or damaged'

echo "a fresh one"
crl_url "$URL/lab.crl"
newer
: >"$R/log"
content
wait_for 5 grep -q 'CRL crl/lab.crl of authority lab is new, until 20' \
    "$R/log" || give_up "the log has no word of it: $(cat "$R/log")"
content
