#!/bin/bash
# The measuring part of tests/bench/policy.
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

RULES=100000 REVOKED=200000
URI=spiffe://lab.example/user
MISSED=0
DAEMONS=()

# ---- two of everything ------------------------------------------------------
# many_revoked DIR: in the database of that CA
many_revoked()
{
	awk -v n=$REVOKED 'BEGIN { for (i = 1; i <= n; i++)
		printf "R\t360101000000Z\t260101000000Z\t40%014X\tunknown\t" \
		    "/CN=u%d\n", i, i }' >>"$1/index.txt"
}

# many_rules FILE: in front of what is there
many_rules()
{
	local last

	last=$(cat "$1")
	awk -v n=$RULES -v uri=$URI 'BEGIN { for (i = 1; i < n; i++)
		printf "allow user lab uri=%s/u%06d as u%06d\n", uri, i, i }' \
	    >"$1"
	echo "$last" >>"$1"
}

# large FILE: the large one's configuration, from the small one's
large()
{
	sed "s|$R/etc/|$R/large/|; s|$R/state|$R/state-large|;
	    s|$R/run|$R/run-large|; s|127.0.0.1:$PORT|127.0.0.1:4722|" "$1"
}

make_both()
{
	pam_make
	lab_realm
	set_pam debug no
	echo "allow user lab uri=$URI/alice as alice" >"$R/etc/identity.map"
	lab_issue "$R/lab" card
	card_of card
	cp -a "$R/etc" "$R/large"
	cp -a "$R/state" "$R/state-large"
	many_rules "$R/large/identity.map"
	many_revoked "$R/lab"
	lab_crl "$R/lab" "$R/large/crl/lab.crl"
	large "$R/etc/certlogind.conf" >"$R/large/certlogind.conf"
	large "$R/etc/pam.conf" >"$R/large/pam.conf"
	export SOFTHSM2_CONF=$R/softhsm2.conf
	echo 1234 >"$R/pin"
	echo "auth required $SO conf=$R/etc/pam.conf" >/etc/pam.d/small
	echo "auth required $SO conf=$R/large/pam.conf" >/etc/pam.d/large
}

# shellcheck disable=SC2317	# called by trap
end_both()
{
	local rc=$?

	trap - EXIT
	[ ${#DAEMONS[@]} -eq 0 ] || kill "${DAEMONS[@]}" || :
	[ -z "$SYSLOG" ] || kill "$SYSLOG"
	exit "$rc"
}

# start FOLDER PORT
start()
{
	certlogind -f "$1/certlogind.conf" -D -e >>"$R/log" 2>&1 &
	DAEMONS+=($!)
	wait_for 30 eval "[ -n \"\$(ss -Hltn 'sport = :$2')\" ]" ||
	    give_up "certlogind of $1 did not start"
}

# shellcheck disable=SC2317	# called by wait_for
kept()
{
	compgen -G "$1/policy-*" >/dev/null
}

# ---- figures ------------------------------------------------------------------
calc()
{
	awk "BEGIN { printf \"%.2f\", ($1) }"
}

# row NAME SMALL LARGE VALUE [GOAL]: at most
row()
{
	local word=''

	if [ -n "${5:-}" ]; then
		word=reached
		awk "BEGIN { exit !($4 <= $5) }" || word=MISSED MISSED=1
		word="<= $5  $word"
	fi
	printf '%-40s %10s %10s %10s  %s\n' "$1" "$2" "$3" "$4" "$word"
}

# in_turns NAME GOAL COMMAND… ; COMMAND…: milliseconds of both
in_turns()
{
	local name=$1 goal=$2 small large

	shift 2
	{ read -r small _; read -r large _; } < <(python3 \
	    "$SRC/tests/bench/clock.py" --runs "$RUNS" --stdin "$R/pin" \
	    -- "$@") || give_up "$name"
	small=$(calc "$small * 1000") large=$(calc "$large * 1000")
	row "$name" "$small" "$large" "$(calc "$large - $small")" "$goal"
}

# memory PID: kB of its spare judges that are their own, the largest
memory()
{
	local pid

	for pid in $(pgrep -P "$1" -u 62002); do
		awk '/^Private_/ { n += $2 } END { print n }' \
		    "/proc/$pid/smaps_rollup"
	done | sort -n | tail -n 1
}

# shellcheck disable=SC2317	# called by wait_for
spares()
{
	[ "$(pgrep -c -P "$1" -u 62002)" -gt 0 ]
}

figures()
{
	local pid login=(certlogin -F /dev/null -o batchmode=yes
	    -i "$R/card/card.crt" -o "ca=$R/alice/ca.crt")

	printf '%-40s %10s %10s %10s  goal\n' '' small large difference
	in_turns "loading all of it (certlogind -t), ms" 2000 \
	    certlogind -f "$R/etc/certlogind.conf" -t \; \
	    certlogind -f "$R/large/certlogind.conf" -t
	in_turns "login true, ms" 5 \
	    "${login[@]}" -p "$PORT" alice@localhost true \; \
	    "${login[@]}" -p 4722 alice@localhost true
	in_turns "authentication by PAM, ms" 5 \
	    pamtester small alice authenticate \; \
	    pamtester large alice authenticate
	for pid in "${DAEMONS[@]}"; do
		wait_for 10 spares "$pid" || give_up "no spare judge"
	done
	row "a spare judge's own memory, kB" "$(memory "${DAEMONS[0]}")" \
	    "$(memory "${DAEMONS[1]}")" "$(calc "$(memory \
	    "${DAEMONS[1]}") - $(memory "${DAEMONS[0]}")")" 256
	"$BUILD/tests/tools/decidetime" lab $URI/alice alice \
	    "$R"/state/policy-* >"$R/small.us"
	"$BUILD/tests/tools/decidetime" lab $URI/alice alice \
	    "$R"/state-large/policy-* >"$R/large.us"
	row "a decision, us" "$(sed -n 1p "$R/small.us")" \
	    "$(sed -n 1p "$R/large.us")" "$(sed -n 1p "$R/large.us")" 20
	row "the first one of a process, us" "$(sed -n 2p "$R/small.us")" \
	    "$(sed -n 2p "$R/large.us")" "$(sed -n 2p "$R/large.us")"
	row "is a certificate revoked, us" "$(sed -n 3p "$R/small.us")" \
	    "$(sed -n 3p "$R/large.us")" "$(sed -n 3p "$R/large.us")" 20
	row "  found of 100,000 looked up" "$(sed -n 4p "$R/small.us")" \
	    "$(sed -n 4p "$R/large.us")" ''
	row "the kept file, MB" "$(megabytes "$R/state")" \
	    "$(megabytes "$R/state-large")" "$(megabytes "$R/state-large")"
}

megabytes()
{
	calc "$(stat -c %s "$1"/policy-*) / 1e6"
}

trap end_both EXIT
make_both
trap end_both EXIT
start "$R/etc" "$PORT"
start "$R/large" 4722
wait_for 20 kept "$R/state" || give_up "no kept policy"
wait_for 20 kept "$R/state-large" || give_up "no kept policy"
figures
exit $MISSED
