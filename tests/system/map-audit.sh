#!/bin/bash
# Each change of the map is in the log before it counts: which lines, and who
# by what the kernel knows, whatever the environment says.
# what an editor does is written in single quotes
# shellcheck disable=SC2016
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"
# shellcheck source=tests/lib/map.sh
. "$SRC/tests/lib/map.sh"

# logged REGEX
logged()
{
	wait_log "certlogin-map\[[0-9]+\]: $1" ||
	    give_up "the log does not say '$1'"
}

# as_login UID COMMAND…: of somebody who logged in with this uid
as_login()
{
	local uid=$1

	shift
	(
		echo "$uid" >/proc/self/loginuid
		"$@"
	)
}

trap pam_end EXIT
map_make
pam_dev
pam_syslog
: >"$MAP"
NOW=$(cat /proc/self/loginuid)
BY="by=root uid=0"

echo "which line, and who"
says 0 added add "allow user user $A/alice as alice command=\"/bin/a b\""
logged "add \"allow user user $A/alice as alice command='/bin/a b'\", line 1 of $MAP $BY"
log_mark
says 0 removed remove --line 1 --expect \
    "allow user user $A/alice as alice command=\"/bin/a b\""
logged "remove \"allow .*\", line 1 of $MAP $BY"

echo "the environment does not say who"
log_mark
SUDO_USER=bob SUDO_UID=42002 USER=bob LOGNAME=bob says 0 added add \
    'deny user user serial=01'
logged "add \"deny user user serial=01\", line 1 of $MAP $BY"
! log_since | grep -q bob || give_up "bob, by the environment"
if [ "$NOW" = 4294967295 ] &&
    (echo 42001 >/proc/self/loginuid) 2>/dev/null; then
	log_mark
	SUDO_USER=bob as_login 42001 says 0 added add \
	    'deny user user serial=02'
	logged "add .*, line 2 of $MAP $BY login=alice login-uid=42001\$"
else
	echo "(loginuid cannot be set here)"
fi

echo "an edit, line by line"
printf 'deny user user serial=01\n# one\n\ndeny user user serial=03\n' >"$MAP"
edits 'sed -i -e "s/one/two/" -e "/03/d" "$1"' 'echo "# end" >>"$1"'
log_mark
says 0 changed edit
for line in 'remove "# one", line 2' 'add "# two", line 2' \
    'remove "deny user user serial=03", line 4' 'add "# end", line 4'; do
	logged "$line of $MAP $BY"
done
[ "$(log_since | grep -c " of $MAP ")" -eq 4 ] ||
    give_up "not four lines: $(log_since)"

echo "a long line is whole"
log_mark
says 0 added add "allow user user $A/bob as bob command=\"$(printf '%03500d' \
    7)x\""
logged "add \"allow .*0007x'\", line 5 of $MAP $BY"

echo "nothing forges a line of it"
printf 'deny user user serial=01\n# \001\007x" by=bob\n' >"$MAP"
log_mark
edits 'echo "deny user user serial=01" >"$1"'
says 0 changed edit
logged "remove \"# .x01.x07x' by=bob\", line 2 of $MAP $BY"

echo "what did not change is said"
log_mark
says 0 'nothing was changed' add --dry-run 'deny user user serial=04'
edits :
says 0 unchanged edit
says 1 . add nonsense
edits "echo '# theirs' >>$MAP" 'echo "# mine" >>"$1"'
says 3 'changed by another' edit
logged "$MAP was not changed: .*changed by another program.* $BY"
! log_since | grep -qE 'serial=04|nonsense' || give_up "what never was"

echo "killed at every step: no change without its line"
KILLAT=$BUILD/tests/tools/killat
if [ -x "$KILLAT" ]; then
	n=1 seen=0
	while :; do
		: >"$MAP"
		log_mark
		rc=0
		"$KILLAT" "$n" certlogin-map --map "$MAP" --trust \
		    "$R/etc/trust.conf" add "deny user user serial=$n" \
		    >"$R/out" 2>&1 || rc=$?
		[ $rc -eq 137 ] || break
		if [ -s "$MAP" ]; then
			seen=$((seen + 1))
			logged "add \"deny user user serial=$n\", line 1 of $MAP $BY"
		fi
		n=$((n + 1))
	done
	[ "$rc" -eq 0 ] && [ $seen -gt 0 ] || give_up "never behind the change"
fi
