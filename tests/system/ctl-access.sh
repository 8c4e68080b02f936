#!/bin/bash
# Who may look at certlogind and who may steer it: root, members of
# control-group however they are members, and nobody else; by the modes of
# folder and socket, and by what the kernel says of the peer.
# also-in: sanitizers
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

GROUP=42100

# as UID GROUPS ARGUMENT…: certloginctl as that user; GROUPS: "none", or
# numbers between commas
as()
{
	local groups=(--groups "$2")

	[ "$2" != none ] || groups=(--clear-groups)
	rc=0
	setpriv --reuid "$1" --regid "$1" "${groups[@]}" \
	    certloginctl --run-dir "$R/run" "${@:3}" >"$R/out" 2>"$R/err" ||
	    rc=$?
}

# gives STATUS REGEX: what the last one did
gives()
{
	[ "$rc" -eq "$1" ] || give_up "exit $rc, not $1: $(cat "$R/out")"
	cat "$R/out" "$R/err" | grep -qE -- "$2" || give_up "not said: $2"
}

# reaches_nothing_else UID GROUP
reaches_nothing_else()
{
	python3 - "$R/run" "$1" "$2" <<-'END' ||
	import os, socket, sys
	run, uid, group = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
	os.setgroups([group])
	os.setgid(uid)
	os.setuid(uid)
	for name in "register", "control":
	    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	    try:
	        s.connect(run + "/" + name)
	        assert name == "control", name
	    except PermissionError:
	        assert name == "register", name
	for attempt in (lambda: os.listdir(run),
	                lambda: open(run + "/lock"),
	                lambda: open(run + "/new", "w"),
	                lambda: os.unlink(run + "/control")):
	    try:
	        attempt()
	        sys.exit("something was allowed")
	    except PermissionError:
	        pass
	END
	    give_up "$1 reaches more than control"
}

realm_make
echo "watchers:x:$GROUP:" >>/etc/group
daemon_start

echo "without control-group: root alone"
control status >"$R/out" || give_up "root: exit $?"
as 42001 "$GROUP" status
gives 3 'Permission denied.*control-group'
[ "$(stat -c '%a %u:%g' "$R/run/control")" = '600 0:0' ] ||
    give_up "control: $(ls -l "$R/run/control")"

echo "a group that does not exist is an error with a remedy"
set_conf control-group nosuchgroup
daemon_reload 'group nosuchgroup does not exist; make it with: groupadd'

echo "with one: its members, by a supplementary group, at once"
set_conf control-group watchers
daemon_reload
as 42001 "$GROUP" status
gives 0 '^daemon'
refused carol carol 'no account|not mapped|no rule|rule' 'no rule'
number=$(log_since | grep -oE 'reference=[0-9]+' | head -n 1 | tr -dc 0-9)
as 42001 "7,$GROUP,9" why "$number"
gives 0 'carol'

echo "as the primary group, and by number"
rc=0
setpriv --reuid 42001 --regid "$GROUP" --clear-groups certloginctl \
    --run-dir "$R/run" status >"$R/out" 2>"$R/err" || rc=$?
gives 0 '^daemon'
set_conf control-group "$GROUP"
daemon_reload
as 42001 "$GROUP" status
gives 0 '^daemon'

echo "others do not, and members reach nothing else"
as 42002 none status
gives 3 'Permission denied'
as 42002 42099 status
gives 3 'Permission denied'
[ "$(stat -c '%a %u:%g' "$R/run/control")" = "660 0:$GROUP" ] ||
    give_up "control: $(ls -l "$R/run/control")"
[ "$(stat -c '%a %u:%g' "$R/run")" = "710 0:$GROUP" ] ||
    give_up "run-dir: $(ls -ld "$R/run")"
[ "$(stat -c '%a %u:%g' "$R/run/register")" = '700 0:0' ] ||
    give_up "register: $(ls -l "$R/run/register")"
reaches_nothing_else 42001 "$GROUP"

echo "looking is not steering"
log_mark
as 42001 "$GROUP" reload
gives 1 'uid 0 alone'
wait_log 'refused to uid=42001' || give_up "not in the log"
! log_has 'reloaded' || give_up "it was reloaded"
control reload >"$R/out" || give_up "root's reload: exit $?"
wait_log 'reload asked for by uid=0 login-uid=' || give_up "not in the log"

echo "modes that somebody widened let nobody in"
chmod 0711 "$R/run"
chmod 0666 "$R/run/control"
as 42002 42099 status
gives 1 'refused.*control-group'
as 42001 "$GROUP" status
gives 0 '^daemon'
control reload >"$R/out" || give_up "root's reload: exit $?"
[ "$(stat -c '%a' "$R/run/control")" = 660 ] || give_up "still as widened"
chmod 0710 "$R/run"

echo "below folders that certlogind made"
daemon_stop
cp "$R/etc/certlogind.conf" "$R/conf"
set_conf run-dir "$R/below/that/run"
daemon_start
rc=0
setpriv --reuid 42001 --regid 42001 --groups "$GROUP" certloginctl \
    --run-dir "$R/below/that/run" status >"$R/out" 2>"$R/err" || rc=$?
gives 0 '^daemon'
rc=0
setpriv --reuid 42001 --regid 42001 --clear-groups certloginctl \
    --run-dir "$R/below/that/run" status >"$R/out" 2>"$R/err" || rc=$?
gives 3 'Permission denied'
daemon_stop
cp "$R/conf" "$R/etc/certlogind.conf"
daemon_start

echo "taken away again, at once"
set_conf control-group watchers
sed -i '/^control-group/d' "$R/etc/certlogind.conf"
daemon_reload
as 42001 "$GROUP" status
gives 3 'Permission denied'
[ "$(stat -c '%a %u:%g' "$R/run" "$R/run/control" | xargs)" = \
    '700 0:0 600 0:0' ] || give_up "modes: $(ls -la "$R/run")"
control status >"$R/out" || give_up "root: exit $?"
admitted alice alice
