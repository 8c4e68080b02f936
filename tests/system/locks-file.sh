#!/bin/bash
# The file of locks: its denies win over the map for the daemon, the PAM module
# and certlogin-map, which say that it was a lock and which line; without a
# sound file nobody is let in, and nothing makes one by itself.
# also-in: sanitizers
# what a stand-in does is written in single quotes
# shellcheck disable=SC2016
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

LOCKS=$R/state/locks.map
ALICE=uri=spiffe://$REALM/user/alice
UNSET='not set up on this machine'

# map_test STATUS REGEX: certlogin-map test for alice's certificate
map_test()
{
	local rc=0

	certlogin-map --map "$R/etc/identity.map" --trust "$R/etc/trust.conf" \
	    --state-dir "$R/state" test --cert "$R/alice/alice.crt" \
	    >"$R/out" 2>&1 || rc=$?
	[ "$rc" -eq "$1" ] || give_up "certlogin-map test: exit $rc, not $1"
	grep -qE -- "$2" "$R/out" || give_up "no '$2': $(cat "$R/out")"
}

# reload_fails REGEX: and what was loaded stays
reload_fails()
{
	local rc=0

	control reload >"$R/out" 2>"$R/err" || rc=$?
	[ "$rc" -eq 1 ] || give_up "certloginctl reload: exit $rc, not 1"
	wait_log "$1" || give_up "no '$1' in the log"
	admitted alice alice
}

# start_fails REGEX: certlogind ends with 1
start_fails()
{
	local rc=0

	log_mark
	timeout 20 certlogind -f "$R/etc/certlogind.conf" -D -e \
	    >>"$R/log" 2>&1 || rc=$?
	[ "$rc" -eq 1 ] || give_up "certlogind: exit $rc, not 1"
	log_has "$1" || give_up "no '$1' in the log"
}

pam_make
service try source=file file=%h/id.pem
file_of alice alice
file_of bob bob
daemon_start

echo "control: an empty file"
admitted alice alice
lets_in alice try "$PASS"
map_test 0 '^allowed: account alice'

echo "a lock, and one that ended yesterday"
cat >"$LOCKS" <<END2
# lost her card
deny user user $ALICE
deny user user uri=spiffe://$REALM/user/bob until=$(date -u -d yesterday +%F)
END2
daemon_reload
refused alice alice 'trusted, but locked here' \
    'locked \(locked\): locked by line 2 of the locks; certificate of user'
admitted bob bob
keeps_out 'trusted, but locked here' 'locked by line 2 of the locks' \
    alice try "$PASS"
not_asked
lets_in bob try "$PASS"
map_test 1 'check +map: locked'
grep -q "rule  *$LOCKS:2: deny user user $ALICE" "$R/out" ||
    give_up "the rule is not shown: $(cat "$R/out")"
number=$(sed -n 's/.*refused: .*reference=\([0-9]*\).*/\1/p' "$R/log" |
    tail -n 1)
control why "$number" >"$R/out" 2>&1 || give_up "why: $(cat "$R/out")"
grep -q 'locked by line 2' "$R/out" || give_up "why: $(cat "$R/out")"

echo "what is no lock, and a file that is not root's alone"
: >"$LOCKS"
daemon_reload
echo "allow user user $ALICE as root" >"$LOCKS"
reload_fails 'state/locks\.map:1:1: error: .*expected deny'
keeps_out "$UNSET" 'not set up: .*locks\.map:1:1' alice try "$PASS"
map_test 3 'locks\.map:1:1: error'
: >"$LOCKS"
chmod 0666 "$LOCKS"
reload_fails 'locks\.map'
keeps_out "$UNSET" 'not set up: .*locks\.map' alice try "$PASS"
map_test 3 'locks\.map'
chmod 0644 "$LOCKS"
chown 42001 "$LOCKS"
keeps_out "$UNSET" 'not set up: .*locks\.map' alice try "$PASS"
chown root "$LOCKS"
lets_in alice try "$PASS"

echo "a missing file: running, at a start, in PAM; how to make it is said"
rm "$LOCKS"
how=".*locks\.map is missing.* install -m 644 /dev/null $R/state/locks\.map"
reload_fails "$how"
keeps_out "$UNSET" "not set up: $how" alice try "$PASS"
not_asked
map_test 3 "$how"
daemon_stop
start_fails "$how"
[ ! -e "$LOCKS" ] || give_up "somebody made it"
install -m 644 /dev/null "$LOCKS"
daemon_start
admitted alice alice
lets_in alice try "$PASS"
map_test 0 '^allowed: account alice'
daemon_stop

echo "the package makes it once, also behind a first try that was cut short"
mkdir "$R/bin"
STATE=/var/lib/certlogin
# configured [OLD-VERSION]: the package's script, with a stand-in for cp
configured()
{
	PATH=$R/bin:$PATH sh "$SRC/debian/certlogin-common.postinst" \
	    configure "$@" >"$R/out" 2>&1
}

# copying COMMANDS: what cp does with the new folder, its last argument
copying()
{
	printf '#!/bin/sh\nmkdir "$3" && %s\n' "$1" >"$R/bin/cp"
	chmod 0755 "$R/bin/cp"
}

rm -rf "$STATE"
good=': >"$3/locks.map"'
copying 'exit 1'
! configured '' || give_up "half a copy is success"
[ ! -e "$STATE" ] || give_up "half a copy is in place"
copying "$good"
configured '' || give_up "the second try: $(cat "$R/out")"
[ -f "$STATE/locks.map" ] && [ ! -e "$STATE.new" ] ||
    give_up "the second try made $(ls -A "$STATE"*)"
rm "$STATE/locks.map"
configured 0.0.9 && configured '' || give_up "an upgrade: $(cat "$R/out")"
[ ! -e "$STATE/locks.map" ] || give_up "the package made it again"
