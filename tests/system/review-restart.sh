#!/bin/bash
# certlogind is gone between a revocation and the review: no session escapes,
# for each is judged by the policy that the next certlogind has loaded.
# also-in: no-sandbox
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/liars.sh
. "$SRC/tests/lib/liars.sh"
# shellcheck source=tests/lib/review.sh
. "$SRC/tests/lib/review.sh"

need_program script

daemon_crash()
{
	kill -KILL "$DAEMON"
	wait "$DAEMON" 2>/dev/null || :
	DAEMON=''
}

found_again()
{
	wait_for 10 eval "control status | grep -qE 'sessions +$1\$'" ||
	    give_up "not $1 sessions: $(control status)"
}

realm_make
liar_make judge lyingreview
review_make
daemon_start
on_terminal a alice alice
without a2 alice alice
without b bob bob
on_terminal ba bob alice
without m meter ingest

echo "a restart, and nothing happened"
daemon_crash
stays a a2 b ba m
daemon_start
found_again 5
stays a a2 b ba m
control sessions >"$R/out" || give_up "sessions: exit $?"
[ "$(grep -c 'pts/' "$R/out")" -eq 2 ] || give_up "terminals: $(cat "$R/out")"

echo "revoked while there was no certlogind"
daemon_crash
ca revoke --id user/alice
ca export --out "$R/etc"
change
daemon_start
ended a 'the certificate is revoked'
ended a2 'the certificate is revoked'
found_again 3
stays b ba m

echo "a new policy was in force, but nobody judged by it yet"
lie silence
log_mark
ca revoke --id user/bob
ca export --out "$R/etc"
wait_log 'policy loaded' || give_up "not noticed"
refused bob bob revoked revoked
stays b ba m
daemon_crash
stays b ba m

echo "they come back while a review hangs"
log_mark
daemon_start
found_again 3
stays b ba m
change
lie honest
wait_log 'could not be judged again: no answer' || give_up "nothing hung"
BEGAN=$(clock)
ended b 'the certificate is revoked'
ended ba 'the certificate is revoked'
found_again 1
stays m
