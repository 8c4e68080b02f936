#!/bin/bash
# A certlogin-hostkey that hangs, dies or answers nonsense: the logins in hand
# fail with a clear line, the next ones work.
# also-in: no-sandbox sanitizers
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/liars.sh
. "$SRC/tests/lib/liars.sh"

NOT_NOW='localhost refused: something is wrong on the server; its log says what'

# two_at_once LOG: logins of alice and bob under way together, both refused
two_at_once()
{
	local who pids=()

	log_mark
	for who in alice bob; do
		timeout 60 certlogin -p "$PORT" -F /dev/null -o batchmode=yes \
		    -i "$R/$who/$who.crt" -o "ca=$R/$who/ca.crt" \
		    "$who@localhost" id -un </dev/null >"$R/out.$who" \
		    2>"$R/err.$who" &
		pids+=($!)
	done
	for who in alice bob; do
		rc=0
		wait "${pids[0]}" || rc=$?
		pids=("${pids[@]:1}")
		mv "$R/out.$who" "$R/out"
		mv "$R/err.$who" "$R/err"
		refusal_seen "$NOT_NOW" "$1"
	done
	# whoever came second may have met the end of the process instead
	why_says 'host key process: '
}

# next_ones_work [WORD]: at once, and by the process that WORD tells of
next_ones_work()
{
	[ -z "${1:-}" ] || wait_log "$1" || give_up "no line '$1'"
	admitted alice alice
	admitted bob bob
}

realm_make
liar_make hostkey lyingkey
daemon_start
next_ones_work

echo "hangs"
lie hang
two_at_once 'host key process: no signature within 5 s'
lie honest
next_ones_work 'host key process was replaced'

echo "dies"
lie crash
log_mark
refused alice alice "$NOT_NOW" 'host key process: closed by the other side'
why_says 'host key process'
lie honest
next_ones_work 'host key process was replaced'

echo "drops a connection's channel"
lie drop
caught alice alice "$NOT_NOW" 'host key process: closed by the other side'
lie honest
next_ones_work 'host key process was replaced'

echo "answers with what is no answer"
lie type
caught alice alice "$NOT_NOW" 'host key process: unexpected'
lie honest
next_ones_work 'host key process was replaced'

echo "answers with what is no signature: the client sees it"
lie garbage
caught alice alice 'TLS handshake with localhost failed: .*signature' \
    'the client refused \(TLS error -12, alert 51\)'
lie honest
next_ones_work
