#!/bin/bash
# add, remove and edit leave the old map or the new one, nothing between:
# killed at every step, several at once, on a full disk, on a read-only one.
# limit: 300
# what an editor does is written in single quotes
# shellcheck disable=SC2016
set -eu
# shellcheck source=tests/lib/map.sh
. "$SRC/tests/lib/map.sh"

KILLAT=$BUILD/tests/tools/killat
[ -x "$KILLAT" ] || {
	echo "tests/tools/killat was not built"
	exit 77
}
rc=0
"$KILLAT" 1 true >/dev/null 2>&1 || rc=$?
[ $rc -ne 125 ] || {
	echo "needs the right to trace processes"
	exit 77
}

OLD="# first
allow user user $A/alice as alice

deny user user serial=01
# last
"
map_make
edits 'echo "deny user user serial=02" >>"$1"' 'sed -i "/^$/d" "$1"'

# the three changes, and what each makes of $OLD
change()
{
	case $1 in
	add) echo add "deny user user serial=02" ;;
	remove) echo remove "deny user user serial=01" ;;
	edit) echo edit ;;
	esac
}

new_of()
{
	case $1 in
	add) printf '%sdeny user user serial=02\n' "$OLD" ;;
	remove) printf '%s' "$OLD" | sed /serial=01/d ;;
	edit) printf '%s' "$OLD" | sed '/^$/d'
		echo "deny user user serial=02" ;;
	esac
}

fails_no_room()
{
	says 3 'No space left' "$@"
}

fails_read_only()
{
	says 3 'Read-only file system' "$@"
	# looking is free
	says 0 'nothing was changed' "$@" --dry-run
}

fails_busy()
{
	says 3 'cannot rename into place' "$@"
}

works()
{
	says 0 . "$@"
}

# changes COMMAND KIND…: run it with the arguments of that change
changes()
{
	local words

	read -r -a words <<<"$(change "$2")"
	"$1" "${words[0]}" ${words[1]:+"${words[*]:1}"}
}

killed()
{
	"$KILLAT" "$n" certlogin-map --map "$MAP" --trust "$R/etc/trust.conf" \
	    "$@" >"$R/out" 2>&1 </dev/null
}

for kind in add remove edit; do
	n=1 old=0 new=0
	new_of $kind >"$R/new"
	while :; do
		printf '%s' "$OLD" >"$MAP"
		rc=0
		changes killed $kind || rc=$?
		[ $rc -eq 137 ] || break
		if cmp -s "$MAP" "$R/new"; then
			new=$((new + 1))
		else
			old=$((old + 1))
			is "$OLD"
		fi
		# the copy of an editor is private; the next one takes
		# it and what lies beside the map away
		find "$R" -maxdepth 1 -name 'certlogin-map.*' ! -perm 0700 |
		    grep . && give_up "others can read the copy"
		n=$((n + 1))
	done
	[ $rc -eq 0 ] || give_up "$kind ended with $rc: $(cat "$R/out")"
	cmp "$MAP" "$R/new" || give_up "$kind"
	no_rest $kind
	echo "$kind killed at $n steps: $old old, $new new"
	[ $old -gt 10 ] && [ $new -gt 0 ] || give_up "not killed everywhere"
done

echo "a map that is not there: missing or whole"
n=1 new=0
while rm -f "$MAP" && ! changes killed add; do
	[ ! -e "$MAP" ] || {
		is 'deny user user serial=02
'
		new=$((new + 1))
	}
	n=$((n + 1))
done
[ $new -gt 0 ] || give_up "never killed behind the change"
no_rest add

echo "eighteen at once, none is lost"
: >"$MAP"
for i in 1 2 3 4 5 6; do
	echo "deny user user serial=1$i" >>"$MAP"
done
edits 'echo "deny user user serial=2$(wc -l <"$1")" >>"$1"'
pids=()
for i in 1 2 3 4 5 6; do
	map add "deny user user serial=3$i" >/dev/null 2>&1 &
	pids+=($!)
	map remove "deny user user serial=1$i" >/dev/null 2>&1 &
	pids+=($!)
	map edit >/dev/null 2>&1 &
	pids+=($!)
done
for pid in "${pids[@]}"; do
	wait "$pid" || give_up "one of them failed"
done
[ "$(grep -c 'serial=3' "$MAP")" -eq 6 ] || give_up "an added rule is lost"
[ "$(grep -c 'serial=1' "$MAP")" -eq 0 ] || give_up "a removed rule is there"
[ "$(grep -c 'serial=2' "$MAP")" -eq 6 ] || give_up "an edit is lost"
no_rest at once

small_end()
{
	local m

	for m in "$R/small/one.map" "$R/small" "$R/ro"; do
		! mountpoint -q "$m" || umount "$m"
	done
}
trap small_end EXIT
edits 'echo "deny user user serial=02" >>"$1"' 'sed -i "/^$/d" "$1"'

echo "a full disk"
mkdir "$R/small" "$R/ro"
mount -t tmpfs -o size=48k,mode=0755 tmpfs "$R/small" || {
	echo "needs the right to mount (CAP_SYS_ADMIN)"
	exit 77
}
MAP=$R/small/identity.map
# as much text as makes another block necessary
OLD="$(printf '# %4000s\n' x)
$OLD"
for lock in "" yes; do
	printf '%s' "$OLD" >"$MAP"
	[ -z "$lock" ] || says 0 'nothing was|unchanged|added' add \
	    'deny user user serial=05'
	printf '%s' "$OLD" >"$MAP"
	dd if=/dev/zero of="$R/small/ballast" bs=1k 2>/dev/null || :
	for kind in add remove edit; do
		unchanged changes fails_no_room $kind
	done
	rm "$R/small/ballast"
done
# no room for the copy
dd if=/dev/zero of="$R/small/ballast" bs=1k 2>/dev/null || :
mkdir -p "$R/small/tmp"
TMPDIR=$R/small/tmp unchanged says 3 'No space left' edit
rm "$R/small/ballast"
for kind in add remove edit; do
	printf '%s' "$OLD" >"$MAP"
	changes works $kind
	new_of $kind | cmp - "$MAP" || give_up "$kind with room"
done

echo "a read-only disk"
printf '%s' "$OLD" >"$MAP"
mount --bind "$R/small" "$R/ro"
mount -o remount,bind,ro "$R/ro"
MAP=$R/ro/identity.map
for kind in add remove edit; do
	unchanged changes fails_read_only $kind
done
umount "$R/ro"

echo "a read-only /tmp: no judge needs it"
MAP=$R/small/identity.map
unshare --mount sh -euc 'mount --rbind "$1" "$1"
    mount --rbind /tmp /tmp
    mount -o remount,bind,ro /tmp
    ! touch "/tmp/${1##*/}.not" 2>/dev/null
    shift
    exec "$@"' sh "$R" certlogin-map --map "$MAP" --trust "$R/etc/trust.conf" \
    check >"$R/out" 2>&1 || give_up "check: $(cat "$R/out")"
also '0 errors'

echo "a file that cannot be replaced"
MAP=$R/small/one.map
printf '%s' "$OLD" >"$R/small/real"
: >"$MAP"
mount --bind "$R/small/real" "$MAP"
for kind in add remove edit; do
	unchanged changes fails_busy $kind
done
umount "$MAP"
