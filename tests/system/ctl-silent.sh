#!/bin/bash
# Who connects to certlogind's sockets and says nothing, says nonsense or reads
# nothing holds up no login and no tool, and does not stay.
# also-in: sanitizers
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

# local_peers NAME COUNT WHAT [UID]: COUNT connections to that socket, which
# stay open until the peer closes them or standard input ends; a line `ready`,
# then one for each that was closed
local_peers()
{
	exec python3 - "$R/run/$1" "$2" "$3" "${4:-0}" <<-'END'
	import os, select, socket, struct, sys
	path, count, what = sys.argv[1], int(sys.argv[2]), sys.argv[3]
	if int(sys.argv[4]):
	    os.setgroups([42100])
	    os.setgid(int(sys.argv[4]))
	    os.setuid(int(sys.argv[4]))
	garbage = [b"\0", b"\2", b"\2\0", b"\3\3", b"\2\3" + b"x" * 60000,
	           b"\2\xff", b"\2\1\0\0", b"GET / HTTP/1.0\r\n\r\n"]
	left = []
	for i in range(count):
	    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	    s.connect(path)
	    if what == "garbage":
	        s.send(garbage[i % len(garbage)])
	    elif what == "descriptors":
	        socket.send_fds(s, [b"\2\3"], [0, 1, 2, 0, 1, 2])
	    left.append(s)
	print("ready", flush=True)
	while left:
	    for s in select.select(left, [], [])[0]:
	        try:
	            if s.recv(65536):
	                continue
	        except ConnectionResetError:
	            pass
	        left.remove(s)
	        print("closed", flush=True)
	END
}

# quick: a login and an answer, each far below the second that a peer which
# says nothing could take once
quick()
{
	local before after

	before=$(date +%s%N)
	control status >"$R/out" || give_up "$1: status: exit $?"
	after=$(date +%s%N)
	[ $((after - before)) -lt 900000000 ] ||
	    give_up "$1: status took $(((after - before) / 1000000)) ms"
	before=$after
	admitted alice alice
	after=$(date +%s%N)
	[ $((after - before)) -lt 3000000000 ] ||
	    give_up "$1: a login took $(((after - before) / 1000000)) ms"
}

# beside NAME COUNT WHAT: while such peers are there; all are closed in time
beside()
{
	echo "$2 on $1: $3"
	local_peers "$1" "$2" "$3" >"$R/peers" &
	peers=$!
	wait_for 10 grep -q ready "$R/peers" || give_up "no peers"
	quick "$2 on $1: $3"
	wait_for 20 eval "! kill -0 $peers 2>/dev/null" ||
	    give_up "$(grep -c closed "$R/peers") of $2 were closed"
	[ "$(grep -c closed "$R/peers")" -eq "$2" ] ||
	    give_up "$(grep -c closed "$R/peers") of $2 were closed"
}

# settled: hostkey, a spare session with its net, a spare judge; nothing else
settled()
{
	[ "$(pgrep -c -P "$DAEMON")" -eq 4 ]
}

descriptors()
{
	wait_for 10 settled || give_up "$(pgrep -c -P "$DAEMON") processes"
	find "/proc/$DAEMON/fd" -type l | wc -l
}

realm_make
echo "watchers:x:42100:" >>/etc/group
set_conf control-group watchers
set_conf spares 1
daemon_start
quick "alone"
before=$(descriptors)
beside control 24 silence
beside control 40 garbage
beside control 24 descriptors
beside register 24 garbage

echo "members cannot use up root's places"
# 16 places are theirs; who comes later is told so
local_peers control 20 silence 42001 >"$R/peers" &
peers=$!
wait_for 10 eval "[ \$(grep -c closed '$R/peers') -eq 4 ]" ||
    give_up "$(grep -c closed "$R/peers") were turned away, not 4"
quick "16 members wait"
rc=0
setpriv --reuid 42001 --regid 42001 --groups 42100 certloginctl \
    --run-dir "$R/run" status >"$R/out" 2>&1 || rc=$?
[ "$rc" -eq 3 ] && grep -q 'too many ask at once' "$R/out" ||
    give_up "a seventeenth member: exit $rc, $(cat "$R/out")"
wait_for 20 eval "! kill -0 $peers 2>/dev/null" || give_up "they stay"
setpriv --reuid 42001 --regid 42001 --groups 42100 certloginctl \
    --run-dir "$R/run" status >"$R/out" || give_up "a member: exit $?"

echo "nothing of them is left"
wait_for 15 eval "[ \$(descriptors) -le $before ]" ||
    give_up "$(descriptors) descriptors, before were $before"
quick "alone again"
