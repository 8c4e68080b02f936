#!/bin/bash
# certloginctl end: the session of a number, all of an identity, all of an
# account; the people see why, nobody else is touched, and the log says who
# did it.
# also-in: no-sandbox sanitizers
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

# open_session NAME WHO ACCOUNT: a session that echoes lines
declare -A to from pid
open_session()
{
	local in out

	mkfifo "$R/$1.to" "$R/$1.from"
	certlogin -p "$PORT" -F /dev/null -o batchmode=yes \
	    -i "$R/$2/$2.crt" -o "ca=$R/$2/ca.crt" "$3@localhost" cat \
	    <"$R/$1.to" >"$R/$1.from" 2>"$R/$1.err" &
	pid[$1]=$!
	exec {in}>"$R/$1.to" {out}<"$R/$1.from"
	to[$1]=$in from[$1]=$out
	alive "$1"
}

alive()
{
	local line

	echo ping >&"${to[$1]}"
	IFS= read -r -t 10 line <&"${from[$1]}" || give_up "$1 is dead"
	[ "$line" = ping ] || give_up "$1 answers '$line'"
}

# ended NAME TEXT: with 255 and that text for the person
ended()
{
	rc=0
	wait_for 10 eval "! kill -0 ${pid[$1]} 2>/dev/null" ||
	    give_up "$1 goes on"
	wait "${pid[$1]}" || rc=$?
	[ "$rc" -eq 255 ] || give_up "$1 ended with $rc"
	grep -qF -- "$2" "$R/$1.err" || give_up "$1 says '$(cat "$R/$1.err")'"
	rm -f "$R/$1.to" "$R/$1.from"
	unset "pid[$1]"
}

# of WHO ACCOUNT: the number of that session
of()
{
	control sessions --json --account "$2" \
	    --identity "user uri=spiffe://$REALM/user/$1" |
	    grep -oE '"reference":[0-9]+' | tr -dc '0-9\n'
}

# end STATUS REGEX ARGUMENT…
end()
{
	local want=$1 regex=$2

	shift 2
	log_mark
	rc=0
	control end "$@" >"$R/out" 2>&1 || rc=$?
	[ "$rc" -eq "$want" ] || give_up "end $*: exit $rc, not $want"
	grep -qE -- "$regex" "$R/out" || give_up "end $*: $(cat "$R/out")"
}

realm_make
echo "watchers:x:42100:" >>/etc/group
set_conf control-group watchers
daemon_start

echo "on a terminal, by its number: the message is seen there"
script -qec "certlogin -p $PORT -F /dev/null -i $R/alice/alice.crt \
    -o ca=$R/alice/ca.crt -t alice@localhost 'touch begun; sleep 60'" \
    /dev/null </dev/null >"$R/shown" 2>&1 &
terminal=$!
wait_for 10 test -e "$R/home/alice/begun" || give_up "it did not begin"
open_session first bob alice
open_session second bob bob
number=$(of alice alice)
end 0 'ended +1$' "$number" --message 'reboot at 12:00 "sharp"'
wait_for 10 eval "! kill -0 $terminal 2>/dev/null" || give_up "it goes on"
wait "$terminal" || :
grep -qF 'ended by an administrator: reboot at 12:00 "sharp"' "$R/shown" ||
    give_up "shown: $(cat "$R/shown")"
wait_log "ended: account=alice .*reference=$number .*user/alice.*administrator, uid=0 login-uid=.*reboot" ||
    give_up "the log does not say who and why"
log_has "end asked for by uid=0 login-uid=[0-9a-z]+ pid=[0-9]+: 1 sessions of reference=$number" ||
    give_up "the log does not say who asked"
alive first
alive second
end 1 'no live session fits' "$number"

echo "by identity: on every account"
open_session third alice alice
end 0 'ended +2$' --identity "user uri=spiffe://$REALM/user/bob"
ended first 'ended by an administrator'
ended second 'ended by an administrator'
alive third
end 1 'no live session fits' --identity "uri=spiffe://$REALM/user/alice"
alive third

echo "by account: whoever is logged in as such"
open_session first bob alice
open_session second bob bob
end 0 'ended +2$' --account alice --message $'\e]0;x\a \\ \xc3\xa9'
ended first 'ended by an administrator: \x1b]0;x\x07 \x5c \xc3\xa9'
ended third 'ended by an administrator: '
alive second

echo "not without saying whom, and not everybody"
end 2 'just one of' --message 'all of you'
end 2 'just one of' --account bob --identity x
end 2 'just one of' "$(of bob bob)" --account bob
end 2 'expected the reference' bob
end 2 'expected the reference' 0
end 2 '1 to 200 bytes' --account bob --message "$(printf 'x%.0s' {1..201})"
end 2 '1 to [0-9]+ bytes' --account ''
end 0 'ended +1$' --account bob --message "$(printf 'x%.0s' {1..200})"
ended second "$(printf 'x%.0s' {1..200})"

echo "root alone"
open_session first bob bob
rc=0
setpriv --reuid 42001 --regid 42001 --groups 42100 certloginctl \
    --run-dir "$R/run" end --account bob >"$R/out" 2>&1 || rc=$?
[ "$rc" -eq 1 ] && grep -q 'uid 0 alone' "$R/out" ||
    give_up "a member of control-group: exit $rc, $(cat "$R/out")"
alive first

echo "one that an earlier certlogind joined"
daemon_stop
daemon_start
wait_for 10 eval "[ -n \"\$(of bob bob)\" ]" || give_up "it was not adopted"
end 0 'ended +1$' "$(of bob bob)"
ended first 'ended by an administrator'
wait_for 10 eval "[ -z \"\$(control sessions)\" ]" ||
    give_up "left: $(control sessions)"
