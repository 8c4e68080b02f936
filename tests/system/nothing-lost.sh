#!/bin/bash
# Every byte arrives or the login ends with a clear error: large transfers,
# sudden ends on either side, a consumer that stops reading.
# also-in: no-sandbox sanitizers
# limit: 600
#
# 1 GiB each way; 256 MiB where the build is made for other questions.
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

MIB=1024
BIG=$R/big

# alice COMMAND…: the login that all use
alice()
{
	client alice alice@localhost "$@"
}

expect_rc()
{
	[ "$rc" -eq "$1" ] || give_up "$2: exit $rc, not $1"
}

# the client's own failure: 255 and one line that says so
expect_clear_failure()
{
	expect_rc 255 "$1"
	[ -s "$R/err" ] || give_up "$1: no word about it"
}

# no process of alice's is left, nor a helper of her login
sessions_over()
{
	wait_for 15 no_session || give_up "$1: something of it still runs:
$(ps -u alice -o pid,args)"
}

no_session()
{
	! pgrep -u alice >/dev/null
}

up_and_down()
{
	local sum

	sum=$(sha256sum <"$BIG")
	alice sha256sum <"$BIG"
	expect_rc 0 up
	[ "$(cat "$R/out")" = "$sum" ] || give_up "up: another hash"
	alice cat "$BIG" </dev/null
	expect_rc 0 down
	[ "$(sha256sum <"$R/out")" = "$sum" ] || give_up "down: another hash"
	alice cat <"$BIG"
	expect_rc 0 "both ways at once"
	[ "$(sha256sum <"$R/out")" = "$sum" ] || give_up "both: another hash"
	: >"$R/out"
}

# stdout and stderr apart, and the exit status
streams_and_status()
{
	alice 'echo to-out; echo to-err >&2; exit 7' </dev/null
	expect_rc 7 status
	[ "$(cat "$R/out")" = to-out ] || give_up "stdout is not apart"
	[ "$(cat "$R/err")" = to-err ] || give_up "stderr is not apart"
	# shellcheck disable=SC2016	# the other side expands it
	alice 'kill -TERM $$' </dev/null
	expect_rc $((128 + 15)) "ended by a signal"
}

writes_and_exits()
{
	alice 'head -c 67108864 /dev/zero; exit 3' </dev/null
	expect_rc 3 "writes 64 MiB and exits"
	[ "$(stat -c %s "$R/out")" -eq 67108864 ] ||
	    give_up "of 64 MiB came $(stat -c %s "$R/out")"
	: >"$R/out"
}

yes_head()
{
	alice 'yes | head -n 100000' </dev/null
	expect_rc 0 "yes | head there"
	[ "$(wc -l <"$R/out")" -eq 100000 ] || give_up "yes | head: lines lost"
	timeout 60 certlogin -p "$PORT" -F /dev/null -o batchmode=yes \
	    -i "$R/alice/alice.crt" -o "ca=$R/alice/ca.crt" \
	    alice@localhost yes </dev/null 2>"$R/err" | head -n 1000 |
	    wc -l >"$R/out"
	[ "$(cat "$R/out")" -eq 1000 ] || give_up "yes | head here"
	sessions_over "yes | head here"
}

# A command that ends before its input does, and one that closes its input.
input_ends_early()
{
	alice 'head -c 10; exec 0<&-; echo; echo done' <"$BIG"
	expect_rc 0 "stdin closed early"
	[ "$(tail -n 1 "$R/out")" = "done" ] || give_up "stdin closed early"
	alice true <"$BIG"
	expect_rc 0 "a command that does not read"
}

# half-close: the end of our input reaches the command, its output us
half_close()
{
	alice 'cat >/dev/null; echo after-the-end' < <(echo x)
	expect_rc 0 half-close
	[ "$(cat "$R/out")" = after-the-end ] || give_up half-close
}

# background CLIENT COMMAND: pid in $bg once the far side has begun
background()
{
	rm -f "$R/home/alice/begun"
	certlogin -p "$PORT" -F /dev/null -o batchmode=yes \
	    -i "$R/alice/alice.crt" -o "ca=$R/alice/ca.crt" \
	    alice@localhost "touch begun; $1" </dev/null >"$R/out" \
	    2>"$R/err" &
	bg=$!
	wait_for 20 test -e "$R/home/alice/begun" ||
	    give_up "the command did not start"
}

client_killed()
{
	background 'yes >/dev/null'
	kill -KILL $bg
	wait $bg || :
	sessions_over "client killed"
}

# what is the certlogin-net of the only session
net_pid()
{
	pgrep -f certlogin-net -u 62001 | while read -r p; do
		! ss -Htnp state established | grep -q "pid=$p," ||
		    echo "$p"
	done
}

server_killed()
{
	local net session

	background 'yes'
	net=$(net_pid)
	[ -n "$net" ] || give_up "no certlogin-net holds the connection"
	kill -KILL "$net"
	rc=0
	wait $bg || rc=$?
	: >"$R/out"
	expect_clear_failure "server killed"
	sessions_over "server killed"
	background 'sleep 300'
	session=$(session_pid)
	[ -n "$session" ] || give_up "no certlogin-session has a child of alice"
	kill -KILL "$session"
	rc=0
	wait $bg || rc=$?
	expect_clear_failure "session killed"
	# the kernel hangs it up in the session's place
	sessions_over "session killed"
}

# the certlogin-session that has a child of alice's
session_pid()
{
	local p

	for p in $(pgrep -P "$DAEMON" -x certlogin-sessi); do
		! pgrep -P "$p" -u alice >/dev/null || echo "$p"
	done
}

# kB of memory of one process that are its own
private_memory()
{
	awk '/^Private_/ { n += $2 } END { print n }' \
	    "/proc/$1/smaps_rollup"
}

# A consumer that stops: both sides keep a bounded amount, then all arrives.
stalled()
{
	local pid net used

	mkfifo "$R/fifo"
	certlogin -p "$PORT" -F /dev/null -o batchmode=yes \
	    -i "$R/alice/alice.crt" -o "ca=$R/alice/ca.crt" \
	    alice@localhost "cat $BIG" </dev/null >"$R/fifo" 2>"$R/err" &
	pid=$!
	exec 7<"$R/fifo"
	wait_for 20 stopped_moving || give_up "the transfer does not stall"
	net=$(net_pid)
	for p in "$pid" "$net"; do
		used=$(private_memory "$p")
		echo "stalled: $(tr '\0' ' ' <"/proc/$p/cmdline"): $used kB"
		[ "$SANITIZED" = yes ] || [ "$used" -lt 16384 ] ||
		    give_up "$used kB are held for a stalled reader"
	done
	[ "$(sha256sum <&7)" = "$(sha256sum <"$BIG")" ] ||
	    give_up "bytes were lost behind a stalled reader"
	exec 7<&-
	rc=0
	wait $pid || rc=$?
	expect_rc 0 "stalled reader"
	: >"$R/err"
}

# The bytes that the command wrote stand still for half a second.
stopped_moving()
{
	local p a b

	p=$(pgrep -u alice -x cat) || return 1
	a=$(sed -n 's/^wchar: //p' "/proc/$p/io")
	sleep 0.5
	b=$(sed -n 's/^wchar: //p' "/proc/$p/io")
	[ "$a" = "$b" ] && [ "$a" -gt 0 ]
}

realm_make
SANITIZED=$(grep -q 'define WITH_SANITIZERS' "$BUILD/config.h" && echo yes ||
    echo no)
if [ "$SANITIZED" = yes ] ||
    ! grep -q 'define WITH_SANDBOX' "$BUILD/config.h"; then
	MIB=256
fi
head -c $((MIB * 1048576)) /dev/urandom >"$BIG"
chmod 0644 "$BIG"
daemon_start
for scenario in streams_and_status half_close up_and_down writes_and_exits \
    yes_head input_ends_early stalled client_killed server_killed; do
	echo "$scenario"
	$scenario
	admitted alice alice
done
