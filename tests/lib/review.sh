# shellcheck shell=bash disable=SC2034
# Live sessions that are to be ended, or not.  Needs realm.sh; call
# review_make behind realm_make.
#
#	on_terminal NAME WHO ACCOUNT [LINE]
#					a shell on a terminal of its own, in
#					which LINE is typed first
#	without NAME WHO ACCOUNT	a command without one
#	$R/NAME.shown, $R/NAME.err	what the person sees; on a terminal
#					all is in the first
#
# Each has a process of the account, whose arguments hold live-NAME.

declare -A CLIENTS=() OWNERS=()

# the session phase leaves a trace
review_make()
{
	cat >"$R/trace" <<-END
	#!/bin/bash
	echo "\$PAM_TYPE \$PAM_USER" >>"$R/pam.trace"
	END
	chmod 0755 "$R/trace"
	: >"$R/pam.trace"
	echo "session optional pam_exec.so quiet $R/trace" \
	    >>"$R/etc/pam.d/certlogind"
	AT_END=review_end
}

review_end()
{
	local name

	for name in "${!CLIENTS[@]}"; do
		kill "${CLIENTS[$name]}" 2>/dev/null || :
	done
}

# client_command WHO: the client with WHO's certificate, as words
client_command()
{
	echo "certlogin -p $PORT -F /dev/null -i $R/$1/$1.crt" \
	    "-o ca=$R/$1/ca.crt"
}

is_live()
{
	pgrep -u "${OWNERS[$1]}" -f "live-$1 " >/dev/null
}

on_terminal()
{
	local name=$1

	OWNERS[$name]=$3
	rm -f "$R/$name.keys"
	mkfifo "$R/$name.keys"
	script -qec "$(client_command "$2") $3@localhost" /dev/null \
	    <>"$R/$name.keys" >"$R/$name.shown" 2>&1 &
	CLIENTS[$name]=$!
	[ -z "${4:-}" ] || on_keys "$name" "$4"
	on_keys "$name" "sh -c ': live-$name ; sleep 1000'"
	wait_for 20 is_live "$name" || give_up "no session $name"
}

# on_keys NAME LINE: as if it were typed
on_keys()
{
	printf '%s\n' "$2" >"$R/$1.keys"
}

without()
{
	local name=$1

	OWNERS[$name]=$3
	# shellcheck disable=SC2046	# words
	$(client_command "$2") "$3@localhost" ": live-$name ; sleep 1000; :" \
	    </dev/null >"$R/$name.shown" 2>"$R/$name.err" &
	CLIENTS[$name]=$!
	wait_for 20 is_live "$name" || give_up "no session $name"
}

# milliseconds
clock()
{
	echo $((${EPOCHREALTIME/./} / 1000))
}

# the change begins
change()
{
	log_mark
	BEGAN=$(clock)
}

was_told()
{
	cat "$R/$1.shown" "$R/$1.err" 2>/dev/null | tr -d '\r' |
	    grep -qE "^certlogin: localhost ended the connection: .*$2"
}

# ended NAME REGEX: the person is told why within 2 s of the change, and all
# of it is gone
ended()
{
	local name=$1 ms rc=0

	wait_for 10 was_told "$name" "$2" || {
		cat "$R/$name.shown" "$R/$name.err" 2>/dev/null
		give_up "$name was not told: $2"
	}
	ms=$(($(clock) - BEGAN))
	echo "$name: told after $ms ms"
	[ "$ms" -le 2000 ] || give_up "$name was told after $ms ms"
	wait_for 10 eval "! is_live $name" ||
	    give_up "processes of $name are left: $(pgrep -af "live-$name ")"
	wait "${CLIENTS[$name]}" || rc=$?
	[ "$rc" -eq 255 ] || give_up "$name: exit $rc, not 255"
	unset "CLIENTS[$name]"
}

# stays NAME…: each goes on
stays()
{
	local name

	for name in "$@"; do
		is_live "$name" && kill -0 "${CLIENTS[$name]}" 2>/dev/null || {
			cat "$R/$name.shown" "$R/$name.err" 2>/dev/null
			give_up "$name is gone"
		}
		! grep -qs 'ended the connection' "$R/$name.shown" \
		    "$R/$name.err" || give_up "$name was told to end"
	done
}

# judged_again: all sessions were, under the policy that came since the mark
judged_again()
{
	wait_log 'live sessions judged again' ||
	    give_up "the sessions were not judged again"
}
