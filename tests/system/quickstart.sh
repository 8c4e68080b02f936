#!/bin/bash
# ./quickstart from the sources to a login, a refusal and its reason: with the
# account that it makes, on a terminal, by sudo; and it leaves the host as it
# found it, whichever way it ends.
# limit: 600
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

# What it must not change.  The copies FILE- that useradd leaves in /etc are
# useradd's own matter.
host()
{
	(cd /etc && sha256sum passwd group shadow gshadow subuid subgid \
	    nsswitch.conf environment
	find . -maxdepth 2 ! -name '*-' | sort)
	ls -A /home /run /var/lib /var/mail
	sha256sum /run/utmp /var/log/wtmp /var/log/lastlog 2>/dev/null
}

# as_before WHAT: all is as it was, and the folder it named is gone
as_before()
{
	local dir

	dir=$(sed -n 's/^Everything goes to \([^ ]*\) .*/\1/p' "$R/shown")
	[[ $dir == /tmp/certlogin-quickstart.* ]] ||
	    [ "$1" = "what it refuses" ] || give_up "$1: no folder is named"
	[ -z "$dir" ] || [ ! -e "$dir" ] || give_up "$1: $dir is still there"
	host >"$R/after"
	diff "$R/before" "$R/after" || give_up "$1: the host has changed"
}

# quickstart ARGUMENT…: without a terminal; output in $R/shown
quickstart()
{
	rc=0
	"$R/tree/quickstart" "$@" </dev/null >"$R/shown" 2>&1 || rc=$?
}

shows()
{
	local words

	for words; do
		grep -qE -- "$words" "$R/shown" || {
			cat "$R/shown"
			give_up "it does not say '$words'"
		}
	done
}

# at_terminal ARGUMENTS…, answers by the function that follows
at_terminal()
{
	local answers=$1 pid

	shift
	exec 7<>"$R/keys"
	: >"$R/shown"
	script -qec "$*" /dev/null >"$R/shown" 2>&1 <&7 &
	pid=$!
	$answers >&7
	rc=0
	wait $pid || rc=$?
	exec 7>&-
}

shell_answers()
{
	wait_for 60 grep -q 'leave it' "$R/shown" || give_up "no shell"
	# shellcheck disable=SC2016	# the shell there expands it
	echo 'echo "I am $(id -un) at $(tty)"; exit 3'
}

refuses_packages()
{
	wait_for 20 grep -q 'Install them now' "$R/shown" ||
	    give_up "not asked: $(cat "$R/shown")"
	echo n
}

[ -d "$R/.isolate" ] || { echo "run this by tests/run"; exit 77; }
need_program certlogin certlogind certlogin-ca script sudo setpriv
: >/var/log/wtmp
: >/var/log/lastlog
account alice 42001
account bob 42002
mkfifo "$R/keys"
mkdir -p "$R/tree/tests/lib"
cp "$SRC/quickstart" "$R/tree"
cp "$SRC/tests/lib/packages.sh" "$R/tree/tests/lib"
READY=(--installed "$BUILD/inst")
host >"$R/before"

echo "from the sources, without a terminal, into an account that it makes"
rc=0
"$SRC/quickstart" -y </dev/null >"$R/shown" 2>&1 || rc=$?
[ "$rc" -eq 0 ] || give_up "exit $rc: $(tail -n 30 "$R/shown")"
shows 'making certlogin-demo' 'ready after [0-9]+ s' \
    'uid=[0-9]+\(certlogin-demo\)' 'refused the login: .*reference [0-9]+' \
    "add 'allow user" \
    'no rule allows this login' 'removing the account certlogin-demo'
as_before "from the sources"

echo "an account that is named"
quickstart "${READY[@]}" bob
[ "$rc" -eq 0 ] || give_up "exit $rc: $(cat "$R/shown")"
shows 'uid=42002\(bob\)' 'The login goes to the account bob'
as_before "an account that is named"

echo "on a terminal: a shell"
at_terminal shell_answers "$R/tree/quickstart" "${READY[@]}" alice
[ "$rc" -eq 0 ] || give_up "exit $rc: $(cat "$R/shown")"
shows 'I am alice at /dev/pts/[0-9]+' 'ended with status 3' \
    'no rule allows this login'
as_before "on a terminal"

echo "by sudo, which it calls itself: the account of who did"
echo "alice ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/alice
chmod 0440 /etc/sudoers.d/alice
rc=0
setpriv --reuid 42001 --regid 42001 --clear-groups "$R/tree/quickstart" \
    "${READY[@]}" </dev/null >"$R/shown" 2>&1 || rc=$?
[ "$rc" -eq 0 ] || give_up "exit $rc: $(cat "$R/shown")"
shows 'calling sudo' 'uid=42001\(alice\)'
rm /etc/sudoers.d/alice
rm -rf /run/sudo
as_before "by sudo"

echo "what it refuses"
quickstart "${READY[@]}" root
shows 'making certlogin-demo'
quickstart "${READY[@]}" daemon
[ "$rc" -eq 3 ] || give_up "a system account: exit $rc"
quickstart "${READY[@]}" nosuchaccount
[ "$rc" -eq 3 ] || give_up "no account: exit $rc"
quickstart --no-such-option
[ "$rc" -eq 2 ] || give_up "a wrong option: exit $rc"
as_before "what it refuses"

echo "killed in the middle"
"$R/tree/quickstart" "${READY[@]}" </dev/null >"$R/shown" 2>&1 &
pid=$!
wait_for 60 grep -q 'Making a realm' "$R/shown" || give_up "not so far"
kill -TERM "$pid"
rc=0
wait "$pid" || rc=$?
[ "$rc" -eq 143 ] || give_up "ended by SIGTERM: exit $rc"
as_before "killed in the middle"

echo "missing packages: asked, and no is an answer"
mkdir "$R/shim"
printf '#!/bin/sh\nexit 1\n' >"$R/shim/dpkg-query"
chmod 0755 "$R/shim/dpkg-query"
at_terminal refuses_packages env "PATH=$R/shim:$PATH" "$R/tree/quickstart"
[ "$rc" -eq 3 ] || give_up "exit $rc: $(cat "$R/shown")"
shows 'nothing was changed' 'libgnutls28-dev'
as_before "missing packages"
