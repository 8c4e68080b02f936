#!/bin/bash
# A certlogind that hangs, with its channels open, is as none for its live
# sessions: they end when review-grace-time is over. One that goes on before
# that, or is killed and started again, costs none, and revokes as ever.
# also-in: sanitizers
# limit: 180
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"
# shellcheck source=tests/lib/review.sh
. "$SRC/tests/lib/review.sh"

need_program script
GRACE=8				# seconds; asked each quarter of it
REASON='nothing there has looked after this session for too long .certlogind does not answer'

hang_end()
{
	kill "$SYSLOG" || :
	[ -z "$DAEMON" ] || kill -CONT "$DAEMON" 2>/dev/null || :
	review_end
}

# hangs SECONDS: for so long; it begins at STOPPED, in milliseconds
hangs()
{
	STOPPED=$(clock)
	kill -STOP "$DAEMON"
	seconds "$1"
}

# seconds SECONDS: that many are over
seconds()
{
	local end=$(($(clock) + $1 * 1000))

	wait_for $(($1 + 10)) eval "[ \$(clock) -gt $end ]"
}

found()
{
	wait_for "$1" eval "control status | grep -qE 'sessions +$2\$'" ||
	    give_up "not $2 sessions: $(control status)"
}

# alone NAME: it ended by itself, in its time, and its person knows why
alone()
{
	local ms rc=0

	wait_for $((2 * GRACE)) was_told "$1" "$REASON" || {
		cat "$R/$1.shown" "$R/$1.err" 2>/dev/null
		give_up "$1 was not told: $REASON"
	}
	ms=$(($(clock) - STOPPED))
	echo "$1: told after $ms ms"
	[ "$ms" -ge $((GRACE * 1000)) ] || give_up "$1 was told too early"
	wait_for 10 eval "! is_live $1" || give_up "processes of $1 are left"
	wait "${CLIENTS[$1]}" || rc=$?
	[ "$rc" -eq 255 ] || give_up "$1: exit $rc, not 255"
	unset "CLIENTS[$1]"
}

realm_make
pam_dev
pam_syslog
review_make
AT_END=hang_end
set_conf review-grace-time $GRACE
daemon_start
without a alice alice
on_terminal b bob bob

echo "for a while: nobody ends, then or later, and a revocation counts"
hangs $((GRACE * 5 / 8))
kill -CONT "$DAEMON"
seconds $((GRACE + 2))
stays a b
found 5 2
change
ca revoke --id user/alice
ca export --out "$R/etc"
ended a 'the certificate is revoked'
stays b

echo "killed and started again: the sessions are there at once"
hangs $((GRACE * 5 / 8))
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null || :
daemon_start
found 3 1
seconds $((GRACE + 2))
stays b

echo "for too long: each ends, and says why, there and in the log"
without m meter ingest
log_mark
hangs $((GRACE - 1))
stays b m
alone b
alone m
for account in bob ingest; do
	wait_log "ended: account=$account .*: for review-grace-time, $GRACE s, certlogind did not answer, though it is there: it hangs" ||
	    give_up "the log has not why"
done
kill -CONT "$DAEMON"
found 5 0
admitted bob bob
