#!/bin/bash
# Where logind runs, its sessions decide who is local: seat, active, remote.
# The sessions here are files as logind writes them, in cgroups as it makes
# them.
# alone
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

CALLER=$BUILD/tests/tools/pamcaller
# cgroups are everybody's: a name, and a folder, of this test's own
SESSION=c$(od -An -N6 -tx1 /dev/urandom | tr -d ' ')
GROUP=''

group_end()
{
	local rc=$?

	trap - EXIT
	[ -z "$SYSLOG" ] || kill "$SYSLOG"
	if [ -n "$GROUP" ]; then
		rmdir "$GROUP" 2>/dev/null ||
		    wait_for 5 rmdir "$GROUP" || rc=1
		rmdir "${GROUP%/*}" "${GROUP%/*/*}" 2>/dev/null || :
	fi
	exit $rc
}

# session LINE…: what logind says of the session
session()
{
	printf '%s\n' UID=42001 USER=alice CLASS=user TYPE=tty "$@" \
	    >"/run/systemd/sessions/$SESSION"
	chmod 0644 "/run/systemd/sessions/$SESSION"
}

# within COMMAND…: as a process of the session, and of alice
within()
{
	log_mark
	rc=0
	echo 1234 | bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' \
	    "$GROUP" "$CALLER" -R alice -u alice try auth 3>"$R/err" \
	    >"$R/out" 2>&1 || rc=$?
}

local_session()
{
	session "$@"
	within
	[ $rc -eq 0 ] || give_up "$* is not local: $(cat "$R/out")"
}

remote_session()
{
	local log=$1

	shift
	session "$@"
	within
	[ $rc -eq 1 ] || give_up "$* is local"
	grep -q '^auth: 9 ' "$R/err" || give_up "not PAM_AUTHINFO_UNAVAIL"
	! grep -q '^question' "$R/err" || give_up "was asked"
	wait_log "$log" || give_up "no '$log' in the log"
}

pam_make
[ -x "$CALLER" ] || {
	echo "$CALLER was not built"
	exit 77
}
ldconfig -p | grep -q 'libsystemd\.so\.0' || {
	echo "libsystemd is missing"
	exit 77
}
top=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
GROUP=$top/user.slice/user-$SESSION.slice/session-$SESSION.scope
[ -n "$top" ] && wait_for 5 mkdir -p "$GROUP" 2>/dev/null || {
	GROUP=''
	echo "needs the right to make a cgroup below a cgroup2 mount"
	exit 77
}
trap group_end EXIT
card_of alice
mkdir -p /run/systemd/seats /run/systemd/sessions

echo "root in no session: login, a display manager"
log_mark
echo 1234 | "$CALLER" -u alice try auth 3>"$R/err" >"$R/out" 2>&1 ||
    give_up "$(cat "$R/out")"
echo "in front of the machine"
local_session REMOTE=0 SEAT=seat0 ACTIVE=1 STATE=active
echo "from elsewhere, without a seat, behind another session"
remote_session 'over the network' REMOTE=1 ACTIVE=1 STATE=active
remote_session 'over the network' REMOTE=1 SEAT=seat0 ACTIVE=1 STATE=active
remote_session 'no seat' REMOTE=0 ACTIVE=1 STATE=active
remote_session 'not the one in front' REMOTE=0 SEAT=seat0 ACTIVE=0 \
    STATE=online
local_session REMOTE=0 SEAT=seat0 ACTIVE=1 STATE=active
echo "a session that logind does not know"
rm "/run/systemd/sessions/$SESSION"
within
[ $rc -eq 1 ] || give_up "an unknown session is local"
