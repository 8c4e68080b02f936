#!/bin/bash
# Strangers are limited: in number per source, in number at all, in time, and
# a silent one costs a descriptor and nothing else.
# limit: 180
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

# strangers N: connections that say nothing, on descriptors in $held
held=()
strangers()
{
	local fd

	for ((n = 0; n < $1; n++)); do
		exec {fd}<>"/dev/tcp/127.0.0.1/$PORT"
		held+=("$fd")
	done
	wait_for 5 eval "[ \$(waiting) -ge $1 ]" ||
	    give_up "$(waiting) connections wait, not $1"
}

let_go()
{
	local fd

	for fd in "${held[@]}"; do
		exec {fd}>&-
	done
	held=()
	wait_for 5 nobody_waits ||
	    give_up "$(waiting) connections still wait"
}

waiting()
{
	control status --json | python3 -c 'import json, sys
def look(v):
    if isinstance(v, dict):
        for k, w in v.items():
            if k == "waiting": print(w)
            look(w)
    elif isinstance(v, list):
        for w in v: look(w)
look(json.load(sys.stdin))'
}

nobody_waits()
{
	[ "$(waiting)" -eq 0 ]
}

children()
{
	pgrep -c -P "$DAEMON"
}

settled()
{
	[ "$(children)" -eq "$1" ]
}

# turned_away: a good certificate, but no place
turned_away()
{
	client alice alice@localhost true </dev/null
	[ "$rc" -eq 255 ] || give_up "exit $rc, not 255"
	grep -q . "$R/err" || give_up "the client says nothing"
}

realm_make
set_conf max-per-source 6
set_conf spares 1
daemon_start
# hostkey, a session with its net, a judge
wait_for 10 settled 4 || give_up "$(children) processes at the start"

echo "silent connections start no process"
strangers 5
settled 4 || give_up "$(children) processes with silent connections"
admitted alice alice

echo "the limit of one source"
strangers 1
turned_away
wait_log 'closed [0-9]+ connections before login: [1-9][0-9]* over max-per-source' ||
    give_up "not counted in the log"
[ "$(log_since | grep -c 'over max-per-source')" -eq 1 ] ||
    give_up "more than one line for it"
let_go
admitted alice alice
daemon_stop

echo "the limit of unauthenticated connections"
set_conf max-per-source 64
set_conf max-startups 3:100:4
daemon_start
strangers 3
turned_away
wait_log '[1-9][0-9]* over max-startups' || give_up "not in the log"
let_go
admitted alice alice
daemon_stop

echo "the limit of sessions"
set_conf max-startups 100:30:500
set_conf max-sessions 1
daemon_start
mkfifo "$R/hold"
certlogin -p "$PORT" -F /dev/null -o batchmode=yes -i "$R/alice/alice.crt" \
    -o "ca=$R/alice/ca.crt" alice@localhost cat <"$R/hold" \
    >/dev/null 2>&1 &
pid=$!
exec 7>"$R/hold"
wait_for 10 eval 'control sessions | grep -q alice' ||
    give_up "the first session did not come up"
turned_away
wait_log '[1-9][0-9]* over max-sessions' || give_up "not in the log"
exec 7>&-
wait "$pid" || give_up "the first session ended with $?"
wait_for 10 eval '! control sessions | grep -q alice' ||
    give_up "the first session did not end"
admitted alice alice
daemon_stop

echo "login-grace-time counts PAM's time too"
set_conf max-sessions 100
set_conf login-grace-time 2s
cp "$R/etc/pam.d/certlogind" "$R/pam"
sed -i '1i account required pam_exec.so quiet /bin/sleep 30' \
    "$R/etc/pam.d/certlogind"
daemon_start
turned_away
wait_log 'not logged in within login-grace-time' || give_up "not in the log"
daemon_stop
cp "$R/pam" "$R/etc/pam.d/certlogind"
daemon_start
admitted alice alice
for pid in $(pgrep -x sleep); do
	kill "$pid"
done

descriptors()
{
	find "/proc/$DAEMON/fd" -type l | wc -l
}

as_before()
{
	[ "$(children)" -eq "$processes" ] &&
	    [ "$(descriptors)" -eq "$open" ]
}

echo "strangers who talk nonsense are counted, not listed one by one"
wait_for 20 settled 4 || give_up "$(children) processes"
processes=4
open=$(descriptors)
python3 - "$PORT" 350 <<'END'
import concurrent.futures, socket, sys

def one(_):
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20) as s:
        s.settimeout(20)
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        try:
            while s.recv(4096):
                pass
        except ConnectionResetError:
            pass

with concurrent.futures.ThreadPoolExecutor(8) as pool:
    list(pool.map(one, range(int(sys.argv[2]))))
END
# in three of the report's periods at most
wait_for 30 eval "log_since |
    grep -qE 'refused [0-9]+ strangers without a line of their own'" ||
    give_up "they are not counted"
listed=$(log_since | grep -c ' refused: address=')
[ "$listed" -le 300 ] || give_up "$listed lines about 350 strangers"
[ "$listed" -ge 100 ] || give_up "only $listed lines about 350 strangers"
wait_for 20 as_before || give_up "of them stay $(children) processes," \
    "$(descriptors) descriptors; before were $processes and $open"
admitted alice alice
