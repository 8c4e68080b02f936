#!/bin/bash
# A captured judge of a review can keep or end the sessions that it is shown,
# and nothing more: it admits nobody, and whatever is no answer ends nobody,
# is logged, and is asked again.
# also-in: sanitizers
# limit: 240
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/liars.sh
. "$SRC/tests/lib/liars.sh"
# shellcheck source=tests/lib/review.sh
. "$SRC/tests/lib/review.sh"

lines=0

# another map, which allows the same
another_map()
{
	lines=$((lines + 1))
	echo "# change $lines" >>"$R/etc/identity.map"
}

# no_answer LIE REGEX: nobody is ended; and when the next judge is honest, it
# is asked
no_answer()
{
	echo "$1"
	lie "$1"
	log_mark
	another_map
	wait_log "could not be judged again: .*($2).*it stays, and is tried again" ||
	    give_up "the log does not tell of '$2'"
	stays a b
	! log_has 'ended: ' || give_up "somebody was ended"
	lie honest
	wait_log '2 stay, 0 end, 0 could not be judged' ||
	    give_up "it was not tried again"
	stays a b
}

realm_make
liar_make judge lyingreview
review_make
daemon_start
without a alice alice
without b bob bob

no_answer admit 'unexpected'
no_answer other 'not of the expected form|malformed'
no_answer reasonless 'not of the expected form|malformed'
no_answer 'outcome 0' 'not of the expected form|malformed'
no_answer 'outcome 90' 'not of the expected form|malformed'
no_answer 'outcome 255' 'not of the expected form|malformed'
no_answer loaded 'unexpected'
no_answer short 'ends too early|malformed'
no_answer version 'version'
no_answer crash 'closed by the other side'
log_has 'certlogin-judge ended by signal 6 in a review' ||
    give_up "the log does not tell of the crash"
no_answer silence 'no answer within its time'

echo "twice: what nobody asked for does not count"
lie twice
log_mark
another_map
judged_again
stays a b
! log_has 'ended: ' || give_up "somebody was ended"

echo "always: five times, and then now and then"
lie crash
log_mark
another_map
wait_for 30 log_has '0 stay, 0 end, 2 could not be judged' ||
    give_up "it did not end"
[ "$(log_since | grep -c 'could not be judged again')" -eq 10 ] ||
    give_up "$(log_since | grep -c 'could not be judged again') times"
stays a b
rc=0
control status >"$R/out" || rc=$?
[ "$rc" -eq 1 ] || give_up "status: exit $rc, not 1"
grep -q '2 could not be judged by the policy in force' "$R/out" ||
    give_up "status does not tell: $(cat "$R/out")"

lie honest
for who in alice bob; do
	wait_for 40 log_has "account=$who was judged again at last" ||
	    give_up "it was given up"
done
control status >"$R/out" || give_up "status: exit $?: $(cat "$R/out")"
stays a b

echo "revoked, while the judges die: as soon as one does not"
log_mark
lie crash
ca revoke --id user/alice
ca export --out "$R/etc"
wait_log 'could not be judged again' || give_up "no failure"
stays a b
change
lie honest
ended a 'the certificate is revoked'
stays b

echo "(as documented: a captured one can end those that it is shown)"
lie keep
log_mark
another_map
judged_again
lie end
log_mark
change
another_map
ended b 'a lie'
log_has 'ended: account=bob .*: revoked: a lie' || give_up "not logged"
lie honest
admitted bob bob
