#!/bin/bash
# While somebody is logged in, every helper runs as its own user, in an empty
# root, without capabilities, under a seccomp filter.
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

field()
{
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

filtered()
{
	[ "$(field "$1" Seccomp)" = 2 ]
}

# helper USER NAME: the processes of that uid are confined
helper()
{
	local pids p

	pids=$(pgrep -u "$1") || give_up "no $2 runs as $1"
	for p in $pids; do
		[ "$(field "$p" Uid)" = "$1	$1	$1	$1" ] ||
		    give_up "$2 has the uids $(field "$p" Uid)"
		[ "$(field "$p" Gid)" = "$1	$1	$1	$1" ] ||
		    give_up "$2 has the gids $(field "$p" Gid)"
		[ -z "$(field "$p" Groups | tr -d ' ')" ] ||
		    give_up "$2 has groups: $(field "$p" Groups)"
		wait_for 5 filtered "$p" ||
		    give_up "$2 runs without a filter"
		[ "$(field "$p" NoNewPrivs)" = 1 ] ||
		    give_up "$2 could gain privileges"
		for set in CapEff CapPrm CapInh CapAmb; do
			[ "$(field "$p" $set)" = 0000000000000000 ] ||
			    give_up "$2 has $set $(field "$p" $set)"
		done
		[ -z "$(ls -A "/proc/$p/root/")" ] ||
		    give_up "$2 sees files: $(ls -A "/proc/$p/root/")"
		[ -z "$(tr -d '\0' <"/proc/$p/environ")" ] ||
		    give_up "$2 has an environment"
	done
}

realm_make
export CANARY=of-the-daemon
daemon_start
certlogin -p "$PORT" -F /dev/null -o batchmode=yes -i "$R/alice/alice.crt" \
    -o "ca=$R/alice/ca.crt" alice@localhost 'touch begun; sleep 60' \
    </dev/null >"$R/out" 2>"$R/err" &
client_pid=$!
wait_for 20 test -e "$R/home/alice/begun" || give_up "no login"
helper 62001 certlogin-net
helper 62002 certlogin-judge
helper 62003 certlogin-hostkey
kill "$client_pid"
wait "$client_pid" || :

echo "a helper that cannot be confined is a refusal to start"
daemon_stop
touch "$R/run/empty/file"
! timeout 20 certlogind -f "$R/etc/certlogind.conf" -D -e \
    >"$R/out" 2>&1 || give_up "it starts with a root that is not empty"
grep -q 'not empty' "$R/out" || give_up "no reason: $(cat "$R/out")"
rm "$R/run/empty/file"
set_conf net-user certlogin-no-such-user
! timeout 20 certlogind -f "$R/etc/certlogind.conf" -D -e \
    >"$R/out" 2>&1 || give_up "it starts with a user that does not exist"
grep -q 'certlogin-no-such-user' "$R/out" || give_up "no reason"
