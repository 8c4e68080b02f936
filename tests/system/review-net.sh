#!/bin/bash
# A session is ended whose certlogin-net does not listen: its processes and
# that net are gone all the same, also where certlogind was started anew in the
# meantime and never knew that net.
# also-in: no-sandbox
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/review.sh
. "$SRC/tests/lib/review.sh"

# net_of NAME: the process that has the session's client at its other end
net_of()
{
	local port

	port=$(control sessions --account "${OWNERS[$1]}" --json |
	    python3 -c 'import json, sys
print([s["port"] for s in json.load(sys.stdin) if "port" in s][0])')
	ss -Htnp "sport = :$PORT and dport = :$port" |
	    sed -n 's/.*pid=\([0-9]*\).*/\1/p'
}

is_gone()
{
	[ ! -e "/proc/$1" ] || grep -qs '^State:.*Z' "/proc/$1/status"
}

# deaf NAME: its net is stopped; sets net
deaf()
{
	net=$(net_of "$1")
	grep -q certlogin-net "/proc/$net/comm" || give_up "net of $1: '$net'"
	kill -STOP "$net"
}

# ended_deaf NAME: without a word, which nobody could say
ended_deaf()
{
	wait_for 10 eval "! is_live $1" || give_up "processes of $1 are left"
	wait_for 10 is_gone "$net" || give_up "net of $1 is left"
	echo "$1: gone after $(($(clock) - BEGAN)) ms"
	wait "${CLIENTS[$1]}" || :
	unset "CLIENTS[$1]"
}

realm_make
review_make
daemon_start

log_mark
without m meter ingest
without a alice alice
deaf a
change
ca revoke --id user/alice
ca export --out "$R/etc"
ended_deaf a
stays m

echo "after a restart"
log_mark
without b bob bob
deaf b
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null || :
DAEMON=''
ca revoke --id user/bob
ca export --out "$R/etc"
change
daemon_start
ended_deaf b
wait_for 5 grep -q 'close_session bob' "$R/pam.trace" ||
    give_up "PAM: $(cat "$R/pam.trace")"
stays m
