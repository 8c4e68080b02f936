#!/bin/bash
# The map or the locks change while people are logged in: whoever it no longer
# allows as they are is ended and told why, all others stay.
# also-in: no-sandbox
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/review.sh
. "$SRC/tests/lib/review.sh"

need_program script
MAP=$R/etc/identity.map
ALICE=uri=spiffe://$REALM/user/alice

realm_make
review_make
daemon_start
on_terminal a alice alice
without b bob bob
without ba bob alice
without m meter ingest
without again alice alice

echo "another map that allows the same"
change
sed -i '1i # a line more, so that all rules have other numbers' "$MAP"
judged_again
stays a b ba m again

echo "a deny"
cp "$MAP" "$R/map"
change
sed -i "1i deny user user $ALICE" "$MAP"
judged_again
ended a 'your certificate is trusted, but barred here'
ended again 'barred here'
stays b ba m
log_has 'ended: account=alice .*denied: denied by the map' ||
    give_up "the log does not say why"
log_mark
cp "$R/map" "$MAP"
judged_again
stays b ba m

echo "a rule gives one account less"
change
sed -i 's/as bob,alice/as bob/' "$MAP"
judged_again
ended ba 'your certificate is trusted, but not for that account'
stays b m

echo "a rule restricts more than the session"
change
sed -i 's/as ingest/& command="\/usr\/bin\/ingest"/' "$MAP"
judged_again
ended m 'what your certificate may do here has changed; log in again'
stays b

echo "a rule that is gone, and one that looks at the address"
on_terminal a alice alice
change
sed -i '/user\/bob/d' "$MAP"
judged_again
ended b 'mapped to no account here'
stays a
change
sed -i 's/as alice$/& from=198.51.100.0\/24/' "$MAP"
judged_again
ended a 'mapped to no account for a login of this kind from where you are'
log_mark
cp "$R/map" "$MAP"
wait_log 'policy loaded' || give_up "not noticed"

echo "a lock"
on_terminal a alice alice
without b bob bob
change
echo "deny user user $ALICE" >>"$R/state/locks.map"
judged_again
ended a 'your certificate is trusted, but locked here'
stays b
log_has 'ended: account=alice .*locked: locked' || give_up "not logged"

echo "a damaged map ends nobody"
log_mark
echo rubbish >"$MAP"
wait_log 'stays in force' || give_up "no word about it"
stays b
