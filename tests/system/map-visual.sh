#!/bin/bash
# certlogin-map edit: the admin's editor on a private copy, checked before it
# counts; comments, order and blank lines stay; two admins know of each other.
# also-in: sanitizers
# limit: 200
# what an editor does is written in single quotes
# shellcheck disable=SC2016
set -eu
# shellcheck source=tests/lib/map.sh
. "$SRC/tests/lib/map.sh"

FIRST="# first

allow user user $A/alice as alice	
  # between
deny user user serial=01
"
map_make
printf '%s' "$FIRST" >"$MAP"
chmod 0640 "$MAP"
chown 0:42001 "$MAP"

echo "unchanged"
unchanged says 0 'identity.map is unchanged' edit

echo "changed, and only that"
edits 'printf "\n# more\n" >>"$1"'
says 0 'identity.map was changed' edit
is "$FIRST
# more
"
[ "$(stat -c '%a %u:%g' "$MAP")" = '640 0:42001' ] || give_up "mode, owner"
no_rest edit
edits 'sed -i "/serial=01/d" "$1"'
says 0 'was changed' edit
is "# first

allow user user $A/alice as alice	
  # between

# more
"

echo "new lines are looked at as check does, others are not"
edits 'echo "allow user user serial=02 as root" >>"$1"'
says 0 'identity.map:7:1: warning: reaches root' edit
edits 'sed -i "s/# more/# yet more/" "$1"'
says 0 'was changed' edit
! grep -q warning "$R/out" || give_up "a warning of an old line"
printf '%s' "$FIRST" >"$MAP"

echo "the copy is private, the editor's folder goes with what it leaves there"
edits 'stat -c "%a %u" "$1" "$(dirname "$1")" >'"$R/modes" \
    'case $1 in /*) ;; *) exit 1 ;; esac' 'cp "$1" "$1~"' \
    'mkdir "$(dirname "$1")/more"' 'ls -l /proc/self/fd >'"$R/fds"
unchanged says 0 unchanged edit
[ "$(xargs <"$R/modes")" = '600 0 700 0' ] || give_up "$(cat "$R/modes")"
! grep -E "identity|$R/etc" "$R/fds" || give_up "the editor has a descriptor"

echo "which editor"
edits 'echo "$#" >'"$R/words"
VISUAL="$R/editor -x  y" unchanged says 0 unchanged edit
[ "$(cat "$R/words")" = 3 ] || give_up "words of \$VISUAL"
VISUAL='' EDITOR=$R/editor unchanged says 0 unchanged edit
VISUAL="$R/no-such-editor" EDITOR=$R/editor unchanged \
    says 3 'no-such-editor.*No such file' edit
mkdir "$R/bin"
cp "$R/editor" "$R/bin/vi"
edits 'echo vi >'"$R/words"
(
	unset VISUAL EDITOR
	PATH=$R/bin:$(dirname "$(command -v certlogin-map)")
	export PATH
	certlogin-map --map "$MAP" --trust "$R/etc/trust.conf" edit
) >"$R/out" 2>&1 || give_up "vi: $(cat "$R/out")"
[ "$(cat "$R/words")" = vi ] || give_up "vi is not tried"
edits 'echo "# x" >>"$1"' 'exit 7'
unchanged says 3 'exit status 7; the map was not changed' edit
edits 'kill -KILL $$'
unchanged says 3 'ended with signal 9' edit
edits 'rm "$1"'
unchanged says 3 'No such file' edit

echo "errors have their place, and nobody to ask leaves the map alone"
edits 'echo "allow user user as x" >>"$1"'
unchanged says 1 'identity.map:6:17: error: .*expected' edit
also 'the new map would not be valid'
also 'no terminal'
edits 'head -c 40000000 /dev/zero | tr "\0" "#" >"$1"'
unchanged says 3 'more than|too big|bytes' edit

echo "on a terminal: again, or without change"
edits 'n=$(cat '"$R/n"')' 'echo $((n + 1)) >'"$R/n" \
    'if [ $n = 0 ]; then echo nonsense >>"$1"' \
    'else sed -i "s/^nonsense/deny user user serial=03/" "$1"; fi'
echo 0 >"$R/n"
unchanged typed 'q\nx\n' edit
[ "$rc" -eq 1 ] || give_up "x: exit $rc: $(cat "$R/out")"
also 'identity.map:6:1: error'
also 'What now\?.*What now\?|What now'
echo 0 >"$R/n"
typed 'e\n' edit
[ $rc -eq 0 ] || give_up "e: exit $rc: $(cat "$R/out")"
is "${FIRST}deny user user serial=03
"
no_rest edit

echo "ended while it asks or edits: no copy is left"
echo 0 >"$R/n"
unchanged typed '\003' edit
[ $rc -ne 0 ] || give_up "went on after ^C"
for sig in TERM HUP; do
	edits "kill -$sig \$PPID" 'exec sleep 30'
	unchanged says 3 'interrupted; the map was not changed' edit
done

echo "killed: its copy goes with the next edit, but not from under its editor"
edits "kill -KILL \$PPID" "touch $R/begun" \
    "until [ -e $R/go ]; do sleep 0.02; done"
rc=0
map edit >"$R/out" 2>&1 </dev/null || rc=$?
[ $rc -eq 137 ] || give_up "killed: exit $rc"
wait_for 10 test -e "$R/begun" || give_up "no editor"
left=$(echo "$R"/certlogin-map.??????)
[ -e "$left/identity.map" ] || give_up "no copy: $left"
mkdir -m 0755 "$R/certlogin-map.abcdef"
ln -s . "$R/certlogin-map.ghijkl"
edits :
says 0 unchanged edit
[ -e "$left/identity.map" ] || give_up "taken from under its editor"
: >"$R/go"
wait_for 10 eval "map edit >/dev/null 2>&1 </dev/null && [ ! -e '$left' ]" ||
    give_up "the copy stays: $left"
rmdir "$R/certlogin-map.abcdef" || give_up "a folder of another kind is gone"
rm "$R/certlogin-map.ghijkl" "$R/begun" "$R/go"
no_rest edit

echo "a map with errors is mended by it"
printf 'nonsense\n' >"$MAP"
edits 'echo "# nothing" >"$1"'
says 0 'was changed' edit
is '# nothing
'

echo "a map that is not there is made, when it is whole"
rm "$MAP"
edits '[ ! -e '"$MAP"' ] && echo "deny user user serial=04" >"$1"'
says 0 'was changed' edit
is 'deny user user serial=04
'

echo "what another wrote meanwhile is not lost"
edits 'echo "# mine" >>"$1"' "echo '# theirs' >>$MAP"
says 3 'changed by another program meanwhile' edit
is 'deny user user serial=04
# theirs
'

echo "a second admin is told who is at it"
edits "touch $R/begun" "until [ -e $R/go ]; do sleep 0.02; done" \
    'echo "# slow" >>"$1"'
certlogin-map --map "$MAP" --trust "$R/etc/trust.conf" edit \
    >"$R/slow" 2>&1 &
slow=$!
wait_for 10 test -e "$R/begun" || give_up "no editor"
says 3 "changed by root \(process $slow\); waiting for that" \
    add 'deny user user serial=05'
also "by process $slow; try again when that has ended"
# who only looks does not wait
says 0 '^\+ +3  deny user user serial=05' add --dry-run \
    'deny user user serial=05'
map add 'deny user user serial=05' >"$R/out" 2>&1 &
quick=$!
wait_for 10 grep -q "waiting for that" "$R/out" || give_up "not told"
touch "$R/go"
wait $slow || give_up "the first: $(cat "$R/slow")"
wait $quick || give_up "the second: $(cat "$R/out")"
is 'deny user user serial=04
# theirs
# slow
deny user user serial=05
'

echo "no rights that the caller has not"
cp "$(command -v certlogin-map)" "$R/setuid-map"
chmod 4755 "$R/setuid-map"
if grep -q nosuid <<<"$(findmnt -no OPTIONS -T "$R")"; then
	echo "(no set-uid programs here)"
else
	rc=0
	setpriv --reuid 42001 --regid 42001 --clear-groups "$R/setuid-map" \
	    --map "$MAP" --trust "$R/etc/trust.conf" edit \
	    >"$R/out" 2>&1 || rc=$?
	[ $rc -eq 3 ] || give_up "set-uid: exit $rc"
	also 'rights that its caller has not'
fi
