#!/bin/bash
# certloginctl lock and unlock: at once for certlogind and for su through the
# PAM module, across restarts, with and without a daemon; by matcher and by a
# certificate in hand; what stands beside stays, and an audit line says who.
# also-in: sanitizers
# limit: 240
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

LOCKS=$R/state/locks.map
ALICE=uri=spiffe://$REALM/user/alice
AS_CAROL=(setpriv --reuid=42003 --regid=42003 --init-groups)

# ctl STATUS REGEX ARGUMENT…: certloginctl
ctl()
{
	local want=$1 regex=$2 rc=0

	shift 2
	control "$@" >"$R/out" 2>&1 || rc=$?
	[ "$rc" -eq "$want" ] ||
	    give_up "$*: exit $rc, not $want: $(cat "$R/out")"
	tr '\n' ' ' <"$R/out" | grep -qE -- "$regex" ||
	    give_up "$* does not say '$regex': $(cat "$R/out")"
}

# su_in ACCOUNT, su_out ACCOUNT LOG: carol by su, with the passphrase
su_try()
{
	# a su without sanitizers cannot load a module with them
	if [ ${#SANITIZED[@]} -gt 0 ]; then
		try "$1" su "$PASS"
		echo "($1)" >"$R/out"
		return
	fi
	log_mark
	rc=0
	echo "$PASS" | timeout 60 "${AS_CAROL[@]}" su "$1" -c id \
	    >"$R/out" 2>"$R/err" || rc=$?
}

su_in()
{
	su_try "$1"
	[ $rc -eq 0 ] || give_up "su $1 should work (exit $rc)"
	grep -q "($1)" "$R/out" || give_up "su $1: $(cat "$R/out")"
}

su_out()
{
	su_try "$1"
	[ $rc -ne 0 ] || give_up "su $1 worked"
	wait_log "$2" || give_up "no '$2' in the log"
}

# both_in WHO, both_out WHO: every door
both_in()
{
	admitted "$1" "$1"
	su_in "$1"
}

both_out()
{
	refused "$1" "$1" 'trusted, but locked here' \
	    'locked \(locked\): locked by line [0-9]+ of the locks'
	su_out "$1" 'locked by line [0-9]+ of the locks'
}

# held: somebody has the file locked
held()
{
	! flock -n "$LOCKS" true
}

pam_make
need_program su openssl
service su source=file file=%h/id.pem remote=allow
file_of alice alice
file_of bob bob
daemon_start

echo "control"
both_in alice
both_in bob
[ -z "$(control locks)" ] || give_up "there are locks"
[ "$(control locks --json)" = '[]' ] || give_up "no empty list"

echo "a lock counts at once, and only for whom it is"
printf '# ours, by hand\n\ndeny user user serial=77  # no\n' >"$R/bad"
printf '# ours, by hand\n\ndeny user user serial=77\n' >"$LOCKS"
log_mark
ctl 0 'locked by line 4 of .*counts from now on' lock user "$ALICE"
wait_log "certloginctl\[[0-9]+\]: lock \"deny user user $ALICE\" in $LOCKS by=root uid=0" ||
    give_up "no audit line"
printf '# ours, by hand\n\ndeny user user serial=77\ndeny user user %s\n' \
    "$ALICE" >"$R/want"
cmp -s "$R/want" "$LOCKS" || give_up "the file: $(cat "$LOCKS")"
[ "$(stat -c '%a %u' "$LOCKS")" = '644 0' ] || give_up "mode or owner"
both_out alice
both_in bob
ctl 0 'is locked already, by line 4' lock user "$ALICE"
cmp -s "$R/want" "$LOCKS" || give_up "the file: $(cat "$LOCKS")"
ctl 0 "rule  *deny user user $ALICE" locks
ctl 0 '"kind":"lock","line":4,"authority":"user"' locks --json
python3 -c 'import json, sys; v = json.load(sys.stdin)
assert len(v) == 2 and v[1]["until"] is None and v[1]["ended"] == "no", v' \
    <"$R/out"

echo "across restarts, killed or not, and with nobody there"
daemon_stop
both=$(cat "$LOCKS")
su_out alice 'locked by line 4'
daemon_start
both_out alice
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null || :
DAEMON=''
daemon_start
both_out alice
[ "$(cat "$LOCKS")" = "$both" ] || give_up "a restart changed the locks"
daemon_stop
ctl 0 'for the PAM module; no certlogind runs here' lock user \
    "uri=spiffe://$REALM/user/bob"
su_out bob 'locked by line 5'
ctl 0 'unlocked: 1 line taken out' unlock user \
    "uri=spiffe://$REALM/user/bob"
su_in bob
su_out alice 'locked by line 4'
daemon_start
admitted bob bob
both_out alice

echo "unlock takes out what lock wrote, nothing else"
ctl 0 'unlocked: 1 line taken out.*' unlock user "$ALICE"
printf '# ours, by hand\n\ndeny user user serial=77\n' | cmp -s - "$LOCKS" ||
    give_up "the file: $(cat "$LOCKS")"
wait_log "unlock \"deny user user $ALICE\"" || give_up "no audit line"
both_in alice
ctl 1 'locks just this' unlock user "$ALICE"

echo "by a certificate in hand: its key, a renewal's too"
hash=$(openssl x509 -in "$R/bob/bob.crt" -noout -pubkey |
    openssl pkey -pubin -outform DER | openssl dgst -sha256 -r |
    cut -d' ' -f1)
ctl 0 "deny user user spki=sha256:$hash " lock --cert "$R/bob/bob.crt"
both_out bob
both_in alice
ctl 0 'unlocked: 1 line' unlock --cert "$R/bob/bob.crt"
both_in bob
hash=$(openssl x509 -in "$R/bob/bob.crt" -outform DER |
    openssl dgst -sha256 -r | cut -d' ' -f1)
ctl 0 'counts' lock user "cert=sha256:$hash"
both_out bob
ctl 0 'unlocked: 1 line' unlock --cert "$R/bob/bob.crt"
both_in bob
lab_ca "$R/other" '/CN=Other'
lab_issue "$R/other" stranger
ctl 1 'no authority of .*trust.conf signed it' lock \
    --cert "$R/stranger/stranger.crt"
ctl 3 'nosuchfile' lock --cert "$R/nosuchfile"

echo "an end"
ctl 0 "until=$(date -u +%F)" lock user "$ALICE" --until "$(date -u +%F)"
both_out alice
ctl 0 "until=$(date -u -d yesterday +%F)" lock user "$ALICE" \
    --until "$(date -u -d yesterday +%F)"
[ "$(grep -c alice "$LOCKS")" -eq 1 ] || give_up "two locks: $(cat "$LOCKS")"
both_in alice
ctl 0 'ended  *yes' locks
ctl 0 'unlocked: 1 line' unlock user "$ALICE"

echo "what is no lock is said, and changes nothing"
cp "$LOCKS" "$R/want"
ctl 1 "'staff' is no authority of .*expected one of: .*user" lock staff serial=1
ctl 1 'of hosts' lock host serial=1
ctl 2 'expected MATCHER=VALUE' lock user alice
ctl 2 'expected a matcher' lock user cn=alice
ctl 2 'expected a serial number' lock user serial=xyz
ctl 2 'expected a date' lock user serial=1 --until tomorrow
ctl 2 'expected AUTHORITY MATCHER=VALUE, or --cert' lock user
ctl 2 'expected AUTHORITY MATCHER=VALUE, or --cert' lock user serial=1 \
    --cert "$R/bob/bob.crt"
ctl 2 'does not take --until' unlock user serial=1 --until 2030-01-01
# what would make it another rule than the one that was asked for
ctl 2 'expected a date' lock user serial=1 --until '2030-01-01 from=10.0.0.0/8'
ctl 2 'expected one matcher' unlock 'user email=a@b.c' serial=1
ctl 2 'expected MATCHER=VALUE' lock user "uri=a:b
deny user user uri=a:c"
cmp -s "$R/want" "$LOCKS" || give_up "the file: $(cat "$LOCKS")"

echo "damaged: not made worse; missing: not made"
cp "$R/bad" "$LOCKS"
ctl 1 'locks\.map:3:27: error' lock user "$ALICE"
cmp -s "$R/bad" "$LOCKS" || give_up "the file: $(cat "$LOCKS")"
rm "$LOCKS"
ctl 3 'locks\.map' lock user "$ALICE"
[ ! -e "$LOCKS" ] || give_up "lock made the file"
install -m 644 /dev/null "$LOCKS"

echo "uid 0 only; somebody who may read the file cannot hold it up"
setpriv --reuid=42003 --regid=42003 --clear-groups \
    "$BUILD/inst/sbin/certloginctl" -f "$R/etc/certlogind.conf" lock user \
    "$ALICE" >"$R/out" 2>&1 && give_up "carol locked alice"
grep -q 'needs uid 0' "$R/out" || give_up "said: $(cat "$R/out")"
setpriv --reuid=42003 --regid=42003 --clear-groups flock --no-fork "$LOCKS" \
    sleep 60 &
HOLDER=$!
wait_for 10 held || give_up "carol holds nothing"
ctl 0 'counts from now on' lock user "$ALICE"
kill "$HOLDER"
wait "$HOLDER" 2>/dev/null || :
both_out alice

echo "a certlogind that cannot take it: said, and kept for its next start"
echo 'damage' >>"$R/etc/identity.map"
ctl 1 'did not take it' unlock user "$ALICE"
[ ! -s "$LOCKS" ] || give_up "the file: $(cat "$LOCKS")"
sed -i '$d' "$R/etc/identity.map"
ctl 0 . reload
both_in alice
daemon_stop
