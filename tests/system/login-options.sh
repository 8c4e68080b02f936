#!/bin/bash
# What the options of certlogin, certlogind and certloginctl do, seen from end
# to end: accounts, terminals, input, settings; and who may steer certlogind.
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

# as_local USER UID ARGUMENT…: the client run by that local user, with bob's
# certificate
as_local()
{
	local uid=$2

	shift 2
	log_mark
	rc=0
	HOME=$R/home/local timeout 60 setpriv --reuid "$uid" --regid "$uid" \
	    --clear-groups certlogin -p "$PORT" -F /dev/null \
	    -o batchmode=yes -i "$R/local/bob.crt" -o "ca=$R/local/ca.crt" \
	    "$@" </dev/null >"$R/out" 2>"$R/err" || rc=$?
}

# local_files UID: bob's certificate and key, of that user
local_files()
{
	rm -rf "$R/local"
	mkdir "$R/local"
	cp "$R/bob/bob.crt" "$R/bob/bob.key" "$R/bob/ca.crt" "$R/local"
	chown -R "$1:$1" "$R/local"
}

# prints WANTED: exit 0 and just that
prints()
{
	[ "$rc" -eq 0 ] || give_up "exit $rc"
	[ "$(tr -d '\r' <"$R/out")" = "$1" ] ||
	    give_up "'$(cat "$R/out")', not '$1'"
}

# ctl STATUS REGEX ARGUMENT…
ctl()
{
	local want=$1 regex=$2

	shift 2
	rc=0
	"$@" >"$R/out" 2>&1 || rc=$?
	[ "$rc" -eq "$want" ] || give_up "$*: exit $rc, not $want"
	grep -qE -- "$regex" "$R/out" ||
	    give_up "$*: says '$(cat "$R/out")', not '$regex'"
}

realm_make
daemon_start

echo "no account: the local user's name where the map allows it"
local_files 42001
as_local alice 42001 localhost id -un
prints alice
local_files 42002
as_local bob 42002 localhost id -un
prints bob
local_files 42003
as_local carol 42003 localhost id -un
[ "$rc" -eq 255 ] || give_up "exit $rc: no account was to be chosen"
grep -q 'alice' "$R/err" && grep -q 'bob' "$R/err" ||
    give_up "the accounts are not listed"

echo "-l, and what stands before the host"
client bob -l alice localhost id -un </dev/null
prints alice
client bob -l bob alice@localhost id -un </dev/null
cp "$R/out" "$R/first"
client bob alice@localhost -l bob id -un </dev/null
[ -s "$R/first" ] || give_up "-l and an account in front: no output"

echo "-n reads nothing, -T and -t"
client alice -n alice@localhost cat <<<"not to be read"
prints ''
client alice -T alice@localhost tty </dev/null
[ "$(cat "$R/out")" = "not a tty" ] || give_up "-T: $(cat "$R/out")"
client alice -tt alice@localhost tty </dev/null
grep -q '^/dev/pts/' "$R/out" || give_up "-tt: $(cat "$R/out")"

echo "-o beats the file, the file beats the default"
printf '[certlogin]\nport = 1\nca = %s\n' "$R/alice/ca.crt" >"$R/config"
rc=0
certlogin -F "$R/config" -o "port=$PORT" -i "$R/alice/alice.crt" \
    alice@localhost id -un >"$R/out" 2>"$R/err" </dev/null || rc=$?
prints alice
rc=0
certlogin -F "$R/config" -i "$R/alice/alice.crt" alice@localhost id -un \
    >"$R/out" 2>"$R/err" </dev/null || rc=$?
[ "$rc" -eq 255 ] && grep -q 'port 1' "$R/err" ||
    give_up "exit $rc: the file's port was not taken"

echo "certloginctl: exit codes, JSON, root alone"
ctl 0 'sessions' control status
control status --json | python3 -m json.tool >/dev/null ||
    give_up "status --json is no JSON"
ctl 1 'no refusal of that number' control why 1
ctl 2 'why: expected the NUMBER' control why
ctl 2 'expected the number' control why nonsense
ctl 3 'certlogind' certloginctl --run-dir "$R/no-such-dir" status
ctl 3 'certlogind' setpriv --reuid 42001 --regid 42001 --clear-groups \
    certloginctl --run-dir "$R/run" status
[ -z "$(find "$R/run" -perm /077 -type s)" ] ||
    give_up "others may reach a socket: $(ls -l "$R/run")"
daemon_stop

echo "certlogind -o is a setting of CONF"
cp "$R/etc/certlogind.conf" "$R/conf"
sed -i '/^map/d' "$R/etc/certlogind.conf"
ctl 0 'good' certlogind -f "$R/etc/certlogind.conf" -e -t \
    -o "map=$R/etc/identity.map"
ctl 1 'certlogind\.conf: .*/none does not exist' certlogind -f "$R/etc/certlogind.conf" -e -t \
    -o "map=$R/none/identity.map"
ctl 1 'no-such-setting' certlogind -f "$R/conf" -e -t -o no-such-setting=1
ctl 1 'none.conf does not exist' certlogind -f "$R/none.conf" -e -t
