#!/bin/bash
# From the CA to the refusal: revoked by certlogin-ca, exported to a web
# folder, fetched by fetch-crls alone, and the next login is refused, with no
# word to the running certlogind; others get in.
set -eu
# shellcheck source=tests/lib/fetch.sh
. "$SRC/tests/lib/fetch.sh"

fetch_make
server 8080
ca export --out "$R/realm"
ln -s "$R/realm/crl/user.crl" "$R/web/user.crl"
crl_url "$URL/user.crl" crl/user.crl
daemon_start
admitted alice alice
admitted bob bob
fetch user
[ "$rc" -eq 0 ] || give_up "exit $rc: $(cat "$R/err")"
grep -qE '^  result +unchanged$' "$R/out" || give_up "$(cat "$R/out")"

cp "$R/realm/crl/user.crl" "$R/before"

echo "revoked at the CA"
ca revoke --id user/bob
admitted bob bob
ca export --out "$R/realm"
admitted bob bob
log_mark
before=$MARK
fetch user
[ "$rc" -eq 0 ] || give_up "exit $rc: $(cat "$R/err")"
grep -qE '^  result +new$' "$R/out" || give_up "$(cat "$R/out")"
MARK=$before
wait_log 'rules, [0-9]+ authorities' || give_up "certlogind took no notice"
refused bob bob revoked revoked
admitted alice alice

echo "the CRL of before, on the web again"
rm "$R/web/user.crl"
cp "$R/before" "$R/web/user.crl"
cp "$R/etc/crl/user.crl" "$R/newest"
fetch user
[ "$rc" -eq 1 ] && grep -q 'refused: rolled back' "$R/err" ||
    give_up "exit $rc: $(cat "$R/err")"
cmp "$R/newest" "$R/etc/crl/user.crl" || give_up "it was put in place"
refused bob bob revoked revoked
admitted alice alice
