#!/bin/bash
# The inside of tests/bench/run: both servers, the figures, the table.
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/bench/sshd.sh
. "$SRC/tests/bench/sshd.sh"

RUNS=20 MIB=1024 DELAYED_MIB=64 IDLE=50 RATE_LOGINS=160
if [ -n "$QUICK" ]; then
	RUNS=3 MIB=256 IDLE=10 RATE_LOGINS=32
fi
DELAY=50		# ms each way
AT_ONCE=8
BIG=$R/.isolate/big
CLOCK=(python3 "$SRC/tests/bench/clock.py")
ROWS=()
MISSED=0
SSH_BULK=(-c aes128-gcm@openssh.com)

# ---- the two sides ---------------------------------------------------------
CERTLOGIN=(certlogin -F /dev/null -o batchmode=yes -i "$R/alice/alice.crt"
	-o "ca=$R/alice/ca.crt" -p "$PORT")

servers()
{
	sshd_unpack
	sshd_make
	# the same stack for both
	set_conf pam-service sshd
	sed -i '/^pam-confdir/d' "$R/etc/certlogind.conf"
	sshd_start
	daemon_start
	[ "$("${SSH[@]}" localhost id -un </dev/null)" = alice ] ||
	    give_up "no login by ssh"
	admitted alice alice
}

# delay_start LISTEN TARGET
delay_start()
{
	"$BUILD/tests/tools/delay" "$1" "$2" "$DELAY" &
	wait_for 10 eval "[ -n \"\$(ss -Hltn 'sport = :$1')\" ]" ||
	    give_up "delay does not listen"
}

# shellcheck disable=SC2317	# called by trap
end_all()
{
	local rc=$? pids

	trap - EXIT
	daemon_stop || :
	sshd_stop
	mapfile -t pids < <(jobs -p)
	[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || :
	wait
	sshd_pack
	exit "$rc"
}

# ---- the table ---------------------------------------------------------------
# calc EXPRESSION: rounded to three places
calc()
{
	awk "BEGIN { printf \"%.3f\", ($1) }"
}

# figure NAME SSH CERTLOGIN [at-most|at-least GOAL]: the goal is a ratio
figure()
{
	local ratio goal='' reached=''

	ratio=$(calc "$3 / $2")
	case ${4:-} in
	at-most) goal="<= $5" reached=$(calc "$ratio <= $5") ;;
	at-least) goal=">= $5" reached=$(calc "$ratio >= $5") ;;
	esac
	row "$1" "$2" "$3" "$ratio" "$goal" "$reached"
}

# row NAME SSH CERTLOGIN RATIO GOAL REACHED
row()
{
	local word=''

	case $6 in
	1.000) word=reached ;;
	0.000) word=MISSED MISSED=1 ;;
	esac
	ROWS+=("$(printf '%-38s %10s %10s %7s  %-9s %s' "$1" "$2" "$3" "$4" \
	    "$5" "$word")")
	echo "${ROWS[-1]}" >&2
}

# clocked OPTION… -- A… ; B…: sets WALL and CPU, a value for each command
clocked()
{
	local out w c

	out=$("${CLOCK[@]}" --runs "$RUNS" "$@") || give_up "clock: $*"
	WALL=() CPU=()
	while read -r w c; do
		WALL+=("$w")
		CPU+=("$c")
	done <<<"$out"
}

# ---- figures --------------------------------------------------------------------
figure_login()
{
	clocked -- "${SSH[@]}" localhost true \; \
	    "${SSH[@]}" -o KexAlgorithms=curve25519-sha256 localhost true \; \
	    "${CERTLOGIN[@]}" alice@localhost true
	figure "login true, s" "${WALL[0]}" "${WALL[2]}" at-most 0.10
	figure "login true, ssh with curve25519, s" "${WALL[1]}" "${WALL[2]}"
	DIRECT=("${WALL[0]}" "${WALL[2]}")
}

# round_trips DELAYED DIRECT: after the connect, which takes no time here
round_trips()
{
	calc "($1 - $2) / (2 * $DELAY / 1000)"
}

figure_delayed()
{
	local ssh=("${SSH[@]}" -p 2322) mine=("${CERTLOGIN[@]}" -p 4722)
	local file=$R/.isolate/delayed trips

	delay_start 2322 "$SSH_PORT"
	delay_start 4722 "$PORT"
	# the last -p counts for certlogin, the first one for ssh
	ssh=("${SSH[@]/#$SSH_PORT/2322}")
	[ ${#DIRECT[@]} -eq 2 ] || figure_login
	clocked -- "${ssh[@]}" localhost true \; \
	    "${mine[@]}" alice@localhost true
	figure "login true, $DELAY ms each way, s" "${WALL[0]}" "${WALL[1]}"
	trips=$(round_trips "${WALL[1]}" "${DIRECT[1]}")
	row "round trips after connect" \
	    "$(round_trips "${WALL[0]}" "${DIRECT[0]}")" "$trips" '' \
	    '<= 2' "$(calc "$trips < 2.3")"
	head -c $((DELAYED_MIB * 1048576)) "$BIG" >"$file"
	clocked --stdin "$file" -- \
	    "${ssh[@]}" "${SSH_BULK[@]}" localhost 'cat >/dev/null' \; \
	    "${mine[@]}" alice@localhost 'cat >/dev/null'
	figure "$DELAYED_MIB MiB up, $DELAY ms each way, s" "${WALL[@]}" \
	    at-most 0.20
	clocked -- \
	    "${ssh[@]}" "${SSH_BULK[@]}" localhost "cat $file" \; \
	    "${mine[@]}" alice@localhost "cat $file"
	figure "$DELAYED_MIB MiB down, $DELAY ms each way, s" "${WALL[@]}" \
	    at-most 0.20
}

# bulk NAME: of what clocked saw
bulk()
{
	figure "$MIB MiB $1, s" "${WALL[@]}" at-most 0.75
	figure "$MIB MiB $1, CPU-seconds per GiB" \
	    "$(calc "${CPU[0]} * 1024 / $MIB")" \
	    "$(calc "${CPU[1]} * 1024 / $MIB")"
}

figure_bulk()
{
	# 1 reaps what sshd leaves of its sessions
	local cpu=(--daemon "$SSHD" --daemon "$DAEMON" --daemon 1)

	clocked "${cpu[@]}" --stdin "$BIG" -- \
	    "${SSH[@]}" "${SSH_BULK[@]}" localhost 'cat >/dev/null' \; \
	    "${CERTLOGIN[@]}" alice@localhost 'cat >/dev/null'
	bulk up
	clocked "${cpu[@]}" -- \
	    "${SSH[@]}" "${SSH_BULK[@]}" localhost "cat $BIG" \; \
	    "${CERTLOGIN[@]}" alice@localhost "cat $BIG"
	bulk down
}

# idle COMMAND…: IDLE sessions that do nothing, until end_idle
idle()
{
	local i

	for ((i = 0; i < IDLE; i++)); do
		"$@" <&6 >/dev/null 2>&1 &
		IDLE_PIDS+=($!)
		wait_for 20 idle_are $((i + 1)) ||
		    give_up "only $i of $IDLE idle sessions came up"
	done
}

# shellcheck disable=SC2317	# called by wait_for
idle_are()
{
	[ "$(pgrep -c -u alice -x cat)" -eq "$1" ]
}

end_idle()
{
	kill "${IDLE_PIDS[@]}"
	wait "${IDLE_PIDS[@]}" || :
	IDLE_PIDS=()
	wait_for 20 idle_are 0 || give_up "idle sessions do not end"
}

# pss PID…: KiB
pss()
{
	local pid

	for pid in "$@"; do
		cat "/proc/$pid/smaps_rollup"
	done | awk '/^Pss:/ { n += $2 } END { print n }'
}

# What serves ssh's sessions: all of sshd but the listener.
ssh_servers()
{
	pgrep -x sshd | grep -vx "$SSHD"
}

# What serves ours: net, which holds a connection, and session, which has a
# child; spares wait for both.
own_servers()
{
	local pid

	ss -Htnp state established "sport = :$PORT" |
	    grep -o 'pid=[0-9]*' | cut -d= -f2 | sort -u
	for pid in $(pgrep -P "$DAEMON" -u 0); do
		[ -z "$(<"/proc/$pid/task/$pid/children")" ] || echo "$pid"
	done
}

figure_memory()
{
	local ssh mine pids

	mkfifo "$R/idle"
	exec 6<>"$R/idle"
	IDLE_PIDS=()
	idle "${SSH[@]}" localhost cat
	mapfile -t pids < <(ssh_servers)
	ssh=$(calc "$(pss "${pids[@]}") / $IDLE")
	end_idle
	idle "${CERTLOGIN[@]}" alice@localhost cat
	mapfile -t pids < <(own_servers)
	[ ${#pids[@]} -eq $((IDLE * 2)) ] ||
	    give_up "${#pids[@]} processes serve $IDLE sessions"
	mine=$(calc "$(pss "${pids[@]}") / $IDLE")
	end_idle
	exec 6>&-
	figure "PSS per idle session of $IDLE, KiB" "$ssh" "$mine" at-most 0.6
}

# rate COMMAND…: sets RATE, logins a second, AT_ONCE at a time
rate()
{
	local start=$EPOCHREALTIME

	seq "$RATE_LOGINS" | xargs -P "$AT_ONCE" -I{} "$@" >"$R/rate.log" 2>&1 ||
	    give_up "a login failed: $(tail -n 2 "$R/rate.log")"
	RATE=$(calc "$RATE_LOGINS / ($EPOCHREALTIME - $start)")
}

# in turns, the median of five
figure_rate()
{
	local ssh=() mine=() i

	for ((i = 0; i < (RUNS < 5 ? RUNS : 5); i++)); do
		rate "${SSH[@]}" localhost true
		ssh+=("$RATE")
		rate "${CERTLOGIN[@]}" alice@localhost true
		mine+=("$RATE")
	done
	figure "logins a second, $AT_ONCE at once" "$(median "${ssh[@]}")" \
	    "$(median "${mine[@]}")" at-least 5
}

median()
{
	printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"
}

wanted()
{
	[ -z "$ONLY" ] || [[ " $ONLY " = *" $1 "* ]]
}

# ---- all --------------------------------------------------------------------------
realm_make
trap end_all EXIT
servers
DIRECT=()
head -c $((MIB * 1048576)) /dev/urandom >"$BIG"
chmod 0755 "$R/.isolate"
! wanted login || figure_login
! wanted delayed || figure_delayed
! wanted bulk || figure_bulk
! wanted memory || figure_memory
! wanted rate || figure_rate
echo
ssh -V 2>&1
certlogin --version | head -n 1
printf '%-38s %10s %10s %7s  %-9s\n' "median of $RUNS" OpenSSH certlogin \
    ratio goal
printf '%s\n' "${ROWS[@]}"
exit $MISSED
