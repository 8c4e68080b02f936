#!/bin/bash
# certlogind is stopped, killed, reloaded, given damaged files: live sessions
# go on, and what was loaded stays in force.
# also-in: no-sandbox
# limit: 180
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

# a session of alice's that echoes lines, on descriptors 8 (to) and 9 (from)
session_open()
{
	rm -f "$R/to" "$R/from"
	mkfifo "$R/to" "$R/from"
	certlogin -p "$PORT" -F /dev/null -o batchmode=yes \
	    -i "$R/alice/alice.crt" -o "ca=$R/alice/ca.crt" \
	    alice@localhost cat <"$R/to" >"$R/from" 2>"$R/err" &
	client_pid=$!
	exec 8>"$R/to" 9<"$R/from"
	session_alive "at its start"
}

session_alive()
{
	local line

	echo ping >&8
	IFS= read -r -t 10 line <&9 || give_up "$1: the session is dead"
	[ "$line" = ping ] || give_up "$1: the session answers '$line'"
}

session_close()
{
	exec 8>&-
	rc=0
	wait "$client_pid" || rc=$?
	[ "$rc" -eq 0 ] || give_up "the session ended with $rc"
	exec 9<&-
}

# damaged FILE REGEX: with rubbish in it, a reload changes nothing and says
# so, a start is refused
damaged()
{
	echo "damaged $1"
	cp "$R/etc/$1" "$R/keep"
	echo "rubbish" >>"$R/etc/$1"
	log_mark
	kill -HUP "$DAEMON"
	wait_log 'stays in force' || give_up "no word about a damaged $1"
	log_has "$2" || give_up "not said where: $2"
	admitted alice alice
	if certlogind -f "$R/etc/certlogind.conf" -t >"$R/out" 2>&1; then
		give_up "-t accepts a damaged $1"
	fi
	grep -qE "$2" "$R/out" || give_up "-t does not say where: $2"
	cp "$R/keep" "$R/etc/$1"
	daemon_reload
}

realm_make
certlogind -f "$R/etc/certlogind.conf" -t >"$R/out" 2>&1 ||
    give_up "-t refuses a good configuration: $(cat "$R/out")"
daemon_start
session_open

damaged identity.map 'identity\.map:[0-9]+'
damaged trust.conf 'trust\.conf:[0-9]+'
damaged certlogind.conf 'certlogind\.conf:[0-9]+'
session_alive "after reloads"

echo "a new map is in force after a reload"
refused carol carol '.' 'no rule'
echo "allow user user uri=spiffe://$REALM/user/carol as carol" \
    >>"$R/etc/identity.map"
daemon_reload
admitted carol carol

echo "status names what is loaded and who is logged in"
control status >"$R/out" || give_up "certloginctl status: exit $?"
control sessions >"$R/out" || give_up "certloginctl sessions: exit $?"
grep -q alice "$R/out" || give_up "sessions does not name alice"
control status --json >"$R/out" || control --json status >"$R/out"
python3 -m json.tool <"$R/out" >/dev/null || give_up "status --json"

echo "stop: no new logins, the live one stays"
daemon_stop || give_up "certlogind did not stop"
session_alive "after a stop"
client bob bob@localhost true </dev/null
[ "$rc" -eq 255 ] || give_up "a login without certlogind"

echo "a new certlogind finds the session again"
daemon_start
wait_for 10 eval "control sessions | grep -q alice" ||
    give_up "the session was not found again"
admitted bob bob

echo "a crash"
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null || :
DAEMON=''
session_alive "after a crash"
daemon_start
wait_for 10 eval "control sessions | grep -q alice" ||
    give_up "the session was not found again after a crash"
session_alive "after a crash and a start"
session_close
wait_for 10 eval "! control sessions | grep -q alice" ||
    give_up "the ended session is still listed"
admitted alice alice
