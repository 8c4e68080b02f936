#!/bin/bash
# What is fetched and is no good CRL of that authority, or an older one, is
# refused with its reason: what is in place stays, other authorities go on.
set -eu
# shellcheck source=tests/lib/fetch.sh
. "$SRC/tests/lib/fetch.sh"

WEB=$R/web/lab.crl

# refuses NAME REASON: what the web has now; then a good one is taken
refuses()
{
	echo "$1"
	kept "refused: .*$2"
	newer
	fetched "$WEB" new
}

fetch_make
server 8080
cp "$CRL" "$R/older.crl"
fetched "$WEB" new

cp "$R/older.crl" "$WEB"
refuses "older than in place" \
    'rolled back: the file in place has a later CRL'

lab_ca "$R/forger" "/CN=Lab users"
echo 40 >"$R/forger/crlnumber"
lab_crl "$R/forger" "$WEB"
refuses forged 'forged or damaged'

lab_ca "$R/other" "/CN=Somebody else"
lab_crl "$R/other" "$WEB"
refuses "of another CA" 'of another issuer'

lab_crl "$R/lab" "$WEB" -crl_lastupdate "$(date -u -d '+2 days' \
    +%Y%m%d%H%M%SZ)" -crl_nextupdate "$(date -u -d '+9 days' +%Y%m%d%H%M%SZ)"
refuses "of the future" 'more than a day in the future'

lab_crl "$R/lab" "$WEB" -crl_lastupdate "$(date -u -d '-9 days' \
    +%Y%m%d%H%M%SZ)" -crl_nextupdate "$(date -u -d '-1 day' +%Y%m%d%H%M%SZ)"
refuses stale 'stale, its nextUpdate was 20'

newer
head -c 100 "$WEB" >"$R/cut"
mv "$R/cut" "$WEB"
refuses "cut off" 'expected -----END-----'

newer
sed -i '3s/./A/' "$WEB"
refuses damaged ''

echo '<html>please log in</html>' >"$WEB"
refuses "a web page" 'expected -----BEGIN X509 CRL----- or DER'

: >"$WEB"
refuses empty 'expected -----BEGIN X509 CRL----- or DER'

cp "$R/lab/ca.crt" "$WEB"
refuses "a certificate" 'expected -----BEGIN X509 CRL----- or DER'

echo "older than one that was seen, with none in place"
newer
fetched "$WEB" new
daemon_start
daemon_stop
rm "$CRL"
cp "$R/older.crl" "$WEB"
fetch
[ $rc -eq 1 ] && grep -q 'rolled back: a later CRL of this issuer was seen' \
    "$R/err" || give_up "exit $rc: $(cat "$R/err")"
[ ! -e "$CRL" ] || give_up "it was put in place"
grep -q 'there is none in place that counts' "$R/err" ||
    give_up "no complaint: $(cat "$R/err")"
newer
fetched "$WEB" new

echo "others go on"
cp "$R/etc/crl/user.crl" "$R/user.old"
ca revoke --id user/carol
ca export --out "$R/web/realm"
cp "$R/web/realm/crl/user.crl" "$R/web/user.crl"
crl_url "$URL/user.crl" crl/user.crl
sed -i "/^crl  *= crl.lab.crl/a crl-url = $URL/lab.crl" "$R/etc/trust.conf"
cp "$R/older.crl" "$WEB"
fetch
[ $rc -eq 1 ] || give_up "one refused, one good: exit $rc"
cmp "$R/web/user.crl" "$R/etc/crl/user.crl" || give_up "user: not in place"
! cmp -s "$R/user.old" "$R/etc/crl/user.crl" || give_up "user: no newer one"
grep -q 'CRL crl/lab.crl of authority lab: .*: refused: rolled back' \
    "$R/err" || give_up "lab: $(cat "$R/err")"
[ "$(grep -c 'certloginctl:' "$R/err")" -eq 1 ] ||
    give_up "more than one complaint: $(cat "$R/err")"
