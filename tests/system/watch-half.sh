#!/bin/bash
# A map that is half written is not loaded, by whatever a load is begun; a
# damaged one leaves the old policy in force, says where the error is, and
# loads once it is mended.
# also-in: no-sandbox sanitizers
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

MAP=$R/etc/identity.map

# loads N: so often a policy was loaded since the mark
loads()
{
	local n

	n=$(grep -c 'policy loaded' <(log_since)) || true
	[ "$n" -eq "$1" ] || give_up "loaded $n times, not $1"
}

# error_is REGEX: what status says
error_is()
{
	control status >"$R/status" 2>&1 || true
	grep -E '^ *last-error' "$R/status" | grep -qE -- "$1" ||
	    give_up "status does not say '$1': $(cat "$R/status")"
}

no_error()
{
	control status >"$R/status" 2>&1 || true
	! grep -qE '^ *last-error.*[a-z]+:' "$R/status" ||
	    give_up "status: $(cat "$R/status")"
}

realm_make
daemon_start
cp "$MAP" "$R/good.map"
admitted alice alice

echo "half of it is there: alice has a rule and a lock, the lock comes later"
log_mark
exec 5>"$MAP"
head -n 2 "$R/good.map" >&5
wait_log 'identity.map is open for writing' ||
    give_up "no word that it is waited for"
mark=$MARK
admitted bob bob
admitted alice alice
MARK=$mark
loads 0

echo "another file that is complete does not make it load"
sed '$s/$/\n/' "$R/etc/trust.conf" >"$R/trust.new"
mv "$R/trust.new" "$R/etc/trust.conf"
rc=0
control reload >"$R/out" 2>"$R/err" || rc=$?
[ "$rc" -eq 1 ] || give_up "certloginctl reload: exit $rc, not 1"
grep -q 'identity.map is open for writing' "$R/err" ||
    give_up "certloginctl reload says $(cat "$R/err")"
admitted bob bob
MARK=$mark
loads 0
error_is 'identity.map is open for writing'

echo "closed, it counts"
log_mark
echo "deny user user uri=spiffe://$REALM/user/alice" >&5
exec 5>&-
wait_log 'policy loaded' || give_up "not loaded"
refused alice alice '' 'denied'
no_error

echo "a damaged map"
log_mark
{
	cat "$R/good.map"
	echo "allow user user uri=spiffe://$REALM/user/carol as"
} >"$R/map.new"
mv "$R/map.new" "$MAP"
wait_log 'identity\.map:5:[0-9]+: error' || give_up "not said where"
wait_log 'stays in force' || give_up "not said that the old one stays"
mark=$MARK
refused alice alice '' 'denied'
error_is 'identity\.map:5:[0-9]+: error'
MARK=$mark
loads 0
[ "$(grep -c 'stays in force' <(log_since))" -eq 1 ] ||
    give_up "tried more than once"

echo "another file that changes is no reason to take it"
log_mark
touch "$R/etc/trust.conf"
wait_log 'stays in force' || give_up "not tried"
refused alice alice '' 'denied'

echo "mended, it loads"
log_mark
sed -i '$s/$/ carol/' "$MAP"
wait_log 'policy loaded' || give_up "not loaded"
admitted carol carol
admitted alice alice
no_error

echo "taken away, the old one stays; back again, it loads"
log_mark
mv "$MAP" "$R/away.map"
wait_log 'stays in force' || give_up "no word"
log_has 'identity\.map does not exist' || give_up "not said which"
admitted alice alice
log_mark
sed '/user.alice /d' "$R/away.map" >"$R/map.new"
mv "$R/map.new" "$MAP"
wait_log 'policy loaded' || give_up "not loaded"
refused alice alice '' 'no rule'
