#!/bin/bash
# fetch-crls takes a newer CRL from a web server or a file into place, whole,
# and leaves one that says the same as it is.
# also-in: no-sandbox sanitizers
set -eu
# shellcheck source=tests/lib/fetch.sh
. "$SRC/tests/lib/fetch.sh"

fetch_make
server 8080

echo "a newer one"
chmod 0604 "$CRL"
fetched "$R/web/lab.crl" new
[ "$(stat -c %a:%u "$CRL")" = 604:0 ] || give_up "another mode or owner"

echo "the same: not written again"
before=$(place_state)
fetched "$R/web/lab.crl" unchanged
[ "$(place_state)" = "$before" ] || give_up "it was written again"

echo "the same in another form"
openssl crl -in "$R/web/lab.crl" -outform DER -out "$R/web/x.crl"
mv "$R/web/lab.crl" "$R/pem"
mv "$R/web/x.crl" "$R/web/lab.crl"
fetch
[ $rc -eq 0 ] && [ "$(place_state)" = "$before" ] ||
    give_up "a change of form alone was written (exit $rc)"

echo "a newer one in DER"
newer
openssl crl -in "$R/web/lab.crl" -outform DER -out "$R/web/x.crl"
mv "$R/web/x.crl" "$R/web/lab.crl"
fetched "$R/web/lab.crl" new

echo "none in place"
rm "$CRL"
fetched "$R/web/lab.crl" new
[ "$(stat -c %a:%u "$CRL")" = 644:0 ] || give_up "not 0644 and root's"

echo "a file of this machine"
newer
crl_url "$R/web/lab.crl"
fetched "$R/web/lab.crl" new
newer
chmod 0600 "$R/web/lab.crl"
kept 'not fetched: cannot be read by everybody: Permission denied' 0
chmod 0644 "$R/web/lab.crl"
crl_url "$R/web"
kept 'not fetched: is not a regular file' 0
mkfifo "$R/web/fifo"
crl_url "$R/web/fifo"
kept 'not fetched: is not a regular file' 0
crl_url "$R/web/lab.crl"
fetched "$R/web/lab.crl" new

echo "a redirect, and none of its own body"
newer
cp "$R/pem" "$R/web/error"
crl_url "$URL/to/http://other.test:8080/body/$URL/lab.crl"
fetched "$R/web/lab.crl" new
grep -q 'GET /lab.crl HTTP/1.1 pki.test:8080' "$R/asked.8080"

echo "several, by name"
crl_url "$URL/lab.crl"
fetch lab
[ $rc -eq 0 ] || give_up "by name: exit $rc"
fetch lab nobody
[ $rc -eq 2 ] || give_up "a name that has none: exit $rc"
grep -q "authority 'nobody'" "$R/err" || give_up "no word about it"

echo "as JSON"
fetch --json
python3 - "$R/out" <<'END2' || give_up "JSON: $(cat "$R/out")"
import json, sys
one, = json.load(open(sys.argv[1]))
assert one["kind"] == "crl"
assert one["authority"] == "lab" and one["file"] == "crl/lab.crl"
assert one["result"] == "unchanged" and one["problem"] == ""
assert one["usable"] == "yes" and one["due"] == "no"
assert one["this-update"] < one["half"] < one["next-update"]
END2

echo "nothing to do"
sed -i '/^crl-url/d' "$R/etc/trust.conf"
fetch
[ $rc -eq 0 ] || give_up "nothing to fetch: exit $rc"
grep -q 'has a crl-url' "$R/out" || give_up "no word about it"
fetch --json
[ $rc -eq 0 ] && [ "$(cat "$R/out")" = '[]' ] ||
    give_up "nothing to fetch, as JSON: $(cat "$R/out")"

echo "where no certlogind was ever configured"
newer
mkdir -p "$R/other/crl"
cp "$R/etc/trust.conf" "$R/other"
cp -R "$R/etc/ca" "$R/other"
sed -i '/^\[/,$d' "$R/other/trust.conf"
sed -n '/^\[authority lab/,$p' "$R/etc/trust.conf" >>"$R/other/trust.conf"
sed -i "\\|^crl  *= |a crl-url = $URL/lab.crl" "$R/other/trust.conf"
certloginctl fetch-crls --trust "$R/other/trust.conf" \
    --state-dir "$R/state" >"$R/out" 2>"$R/err" ||
    give_up "without a configuration: exit $?"
cmp "$R/web/lab.crl" "$R/other/crl/lab.crl" || give_up "not in place"

echo "what stops it"
crl_url ftp://pki.test/lab.crl
kept 'crl-url: expected http://' 3
crl_url "$URL/lab.crl"
sed -i "/^$FETCH_USER:/d" /etc/passwd
newer
kept "failed: user $FETCH_USER does not exist; make it with: useradd" 3
helper_user $FETCH_USER 62005
mv "$R/state" "$R/no-state"
kept 'fetch-crls.lock' 3
mv "$R/no-state" "$R/state"
setpriv --reuid=42001 --clear-groups certloginctl fetch-crls \
    2>"$R/err" && give_up "without root"
grep -q 'needs uid 0' "$R/err" || give_up "without root: $(cat "$R/err")"
fetched "$R/web/lab.crl" new
