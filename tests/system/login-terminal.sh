#!/bin/bash
# A login on a terminal: a pty with its size and modes, signals, and the
# local terminal restored on every way out.
# also-in: no-sandbox
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

realm_make
daemon_start

CLIENT="certlogin -p $PORT -F /dev/null -i $R/alice/alice.crt \
    -o ca=$R/alice/ca.crt"

# on_terminal SCRIPT: run by sh on a fresh terminal of 90x33; what it shows
# in $R/shown
on_terminal()
{
	script -qec "stty cols 90 rows 33; $1" "$R/typescript" \
	    </dev/null >"$R/shown" 2>&1 || :
	# script types ^@ when its own input ends
	tr -d '\r' <"$R/shown" | sed 's/^\(\^@\)*//' >"$R/shown.text"
}

shows()
{
	grep -qE -- "$1" "$R/shown.text" || {
		cat "$R/shown.text"
		give_up "the terminal does not show '$1'"
	}
}

echo "a command on a terminal"
on_terminal "$CLIENT -t alice@localhost 'tty; stty size; who; echo T=\$TERM'"
shows '/dev/pts/[0-9]'
shows '^33 90$'

echo "without -t a command has none"
on_terminal "$CLIENT alice@localhost tty"
shows 'not a tty'

echo "modes are back afterwards"
on_terminal "stty -echo intr ^K; stty -g >$R/before
$CLIENT -t alice@localhost true; stty -g >$R/after"
cmp "$R/before" "$R/after" || give_up "the terminal is not as it was"

echo "also after the client is told to end"
on_terminal "stty -g >$R/before
(until test -e $R/home/alice/begun; do sleep 0.05; done
kill -TERM \$(cat $R/pid)) &
sh -c 'echo \$\$ >$R/pid; exec $CLIENT -t alice@localhost \"touch begun; sleep 60\"'
stty -g >$R/after"
cmp "$R/before" "$R/after" || give_up "the terminal is not as it was"

echo "a change of size reaches the other side"
rm -f "$R/home/alice/begun"
on_terminal "(until test -e $R/home/alice/begun; do sleep 0.05; done
stty cols 61 rows 22 </dev/tty) &
$CLIENT -t alice@localhost 'trap \"stty size; exit 0\" WINCH; touch begun
i=0; while [ \$i -lt 200 ]; do sleep 0.05; i=\$((i + 1)); done'"
shows '^22 61$'

echo "a key that interrupts does so on the other side"
rm -f "$R/home/alice/begun"
mkfifo "$R/keys"
exec 7<>"$R/keys"
script -qec "$CLIENT -t alice@localhost 'touch begun; sleep 60; echo no'" \
    /dev/null <&7 >"$R/shown" 2>&1 &
pid=$!
wait_for 20 test -e "$R/home/alice/begun" || give_up "it did not start"
printf '\003' >&7
rc=0
wait "$pid" || rc=$?
exec 7>&-
[ "$rc" -eq 130 ] || give_up "exit $rc, not 130: $(cat "$R/shown")"

echo "the terminal is as it was when the connection breaks"
rm -f "$R/home/alice/begun"
on_terminal "stty -g >$R/before
(until test -e $R/home/alice/begun; do sleep 0.05; done
kill -KILL \$(pgrep -u 62001 -f certlogin-net)) &
$CLIENT -t alice@localhost 'touch begun; sleep 60'; echo rc=\$?
stty -g >$R/after"
shows 'rc=255'
cmp "$R/before" "$R/after" || give_up "the terminal is not as it was"
