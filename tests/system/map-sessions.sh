#!/bin/bash
# Before a change of the map counts, the sessions that it would end are counted
# and confirmed, the admin's own included; without a terminal by --yes alone.
# limit: 200
# what an editor does is written in single quotes
# shellcheck disable=SC2016
set -eu
# shellcheck source=tests/lib/map.sh
. "$SRC/tests/lib/map.sh"
# shellcheck source=tests/lib/review.sh
. "$SRC/tests/lib/review.sh"

need_program script
export VISUAL=$R/editor
realm_make
review_make
cat >"$R/editor" <<END
#!/bin/sh
exec /bin/sh "$R/edits" "\$@"
END
chmod 0755 "$R/editor"
# where certlogind is when its configuration does not say
RUNS=$BUILD/inst/var
mount -t tmpfs -o mode=0755 tmpfs "$RUNS" || {
	echo "needs the right to mount (CAP_SYS_ADMIN)"
	exit 77
}
sessions_end()
{
	umount -l "$RUNS"
	review_end
}
AT_END=sessions_end
sed -i '/^run-dir/d' "$R/etc/certlogind.conf"
set_conf privileged-accounts root
echo "allow user user $A/root as root" >>"$MAP"
cp "$MAP" "$R/map.first"

# count TEXT ARGUMENT…: said, with --dry-run too, and nothing changes
count()
{
	local text=$1

	shift
	unchanged says 0 "^$text\$" "$@" --dry-run
}

# not_confirmed TEXT ARGUMENT…: without a terminal, and by somebody who says no
not_confirmed()
{
	count "$@"
	unchanged says 1 "^$1\$" "${@:2}"
	also 'no terminal to ask on; --yes confirms'
}

echo "no certlogind"
count 'no certlogind runs here: no live sessions to count' add \
    "deny user user $A/alice"

daemon_start
without a alice alice
without ba bob alice
without b bob bob
ALL='of 3 live sessions'

echo "none is ended: nothing to confirm"
log_mark
says 0 "^ends 0 $ALL\$" add "deny user user $A/nobody"
also 'added as line 6'
judged_again
stays a b ba

echo "add"
not_confirmed "ends 1 $ALL" add "deny user user $A/alice"
also "^  alice \(user $A/alice\): denied"
not_confirmed "ends 2 $ALL" add "deny user user $A/bob"
unchanged typed 'n\n' add "'deny user user $A/alice'"
[ "$rc" -eq 1 ] || give_up "n: exit $rc"
stays a b ba

echo "remove and edit"
not_confirmed "ends 1 $ALL" remove "allow user user $A/alice as alice"
edits 'sed -i "s/as bob,alice/as bob/" "$1"'
not_confirmed "ends 1 $ALL" edit
also "alice \(user $A/bob\): "
edits 'echo "# a comment" >>"$1"'
log_mark
says 0 "^ends 0 $ALL\$" edit
judged_again
stays a b ba

echo "yours included"
TOOL=$(command -v certlogin-map)
client root root@localhost "$TOOL" --map "$MAP" --trust \
    "$R/etc/trust.conf" remove "'allow user user $A/root as root'" </dev/null
[ "$rc" -eq 1 ] || give_up "of one's own: exit $rc"
grep -qx 'ends 1 of 4 live sessions, yours included' "$R/out" ||
    give_up "not told that it is one's own: $(cat "$R/out")"
client root root@localhost "$TOOL" --map "$MAP" --trust \
    "$R/etc/trust.conf" add "'deny user user $A/alice'" </dev/null
grep -qx 'ends 1 of 4 live sessions' "$R/out" ||
    give_up "another's is taken for one's own: $(cat "$R/out")"
wait_log 'logout: account=root' || give_up "root's session is still there"

echo "a map of no daemon, and one that is told by its run-dir"
cp "$MAP" "$R/etc/other.map"
MAP=$R/etc/other.map
count 'no certlogind runs here with this map: no live sessions to count' add \
    "deny user user $A/alice"
says 0 'added' add "deny user user $A/alice"
MAP=$R/etc/identity.map
count 'no certlogind runs here: no live sessions to count' add \
    "deny user user $A/alice" --run-dir "$R/none"
dir=$(find "$RUNS/run/certlogin" -name control -printf '%h')
count "ends 1 $ALL" add "deny user user $A/alice" --run-dir "$dir"

echo "what certlogind would not take"
sed 's/^\[authority device\]/[authority gadget]/' "$R/etc/trust.conf" \
    >"$R/etc/mine.conf"
edits 'sed -i "/device/d" "$1"' \
    "echo 'allow device gadget uri=spiffe://x/y as alice' >>\"\$1\""
rc=0
certlogin-map --map "$MAP" --trust "$R/etc/mine.conf" edit >"$R/out" 2>&1 \
    </dev/null || rc=$?
[ "$rc" -eq 1 ] || give_up "gadget: exit $rc: $(cat "$R/out")"
also "could not be counted: the map has errors"
also "certlogind: 'gadget' is no authority"

echo "one that does not answer"
kill -STOP "$DAEMON"
unchanged says 1 'could not be counted: ' add "deny user user $A/alice"
kill -CONT "$DAEMON"
stays a b ba

echo "certlogind has a problem of its own"
log_mark
cp "$R/etc/crl/user.crl" "$R/user.crl"
echo none >"$R/etc/crl/user.crl"
wait_log 'loaded before, stays in force' || give_up "not noticed"
not_confirmed "ends 1 $ALL" add "deny user user $A/alice"
log_mark
cp "$R/user.crl" "$R/etc/crl/user.crl"
wait_log 'policy loaded' || give_up "not noticed"
stays a b ba

echo "right behind a change of trust.conf, it is that which counts"
says 0 "^ends 0 $ALL\$" remove --yes \
    "allow device device uri=spiffe://$REALM/device/meter as ingest"
log_mark
sed -i 's/^\[authority device\]/[authority gadget]/' "$R/etc/trust.conf"
says 0 "^ends 0 $ALL\$" add \
    "deny device gadget uri=spiffe://$REALM/device/meter"
wait_log 'policy loaded' || give_up "not noticed"
stays a b ba

echo "confirmed"
change
typed 'y\n' add "'deny user user $A/alice'"
[ "$rc" -eq 0 ] || give_up "y: exit $rc: $(cat "$R/out")"
judged_again
ended a 'barred here'
stays b ba
change
says 0 '^ends 2 of 2 live sessions$' add "deny user user $A/bob" --yes
judged_again
ended b 'barred here'
ended ba 'barred here'
