#!/bin/bash
# A login with a key on a token: found, chosen among several, its PIN from a
# file or the terminal, and a wrong PIN never sent twice.
# limit: 120
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

so=/usr/lib/softhsm/libsofthsm2.so
for t in softhsm2-util p11tool script; do
	command -v $t >/dev/null || { echo "$t is missing"; exit 77; }
done
[ -e $so ] || { echo "$so is missing"; exit 77; }
[ -x "$BUILD/certlogin-p11" ] || { echo "built without PKCS#11"; exit 77; }
export SOFTHSM2_CONF=$R/softhsm2.conf

# token NAME PERSON…: with the keys and certificates of these
token()
{
	local name=$1 person n=1

	shift
	softhsm2-util --init-token --free --label "$name" --pin 1234 \
	    --so-pin 5678 >/dev/null
	for person in "$@"; do
		openssl pkcs8 -topk8 -nocrypt -in "$R/$person/$person.key" \
		    -out "$R/p8"
		softhsm2-util --import "$R/p8" --token "$name" --pin 1234 \
		    --label "$person" --id 0$n >/dev/null
		p11tool --provider $so --login --set-pin=1234 --write \
		    --load-certificate "$R/$person/$person.crt" \
		    --label "$person" --id 0$n "pkcs11:token=$name" \
		    >/dev/null 2>&1 || give_up "p11tool wrote no certificate"
		n=$((n + 1))
	done
}

# card ARGUMENT…: the client without key files
card()
{
	log_mark
	rc=0
	timeout 60 certlogin -p "$PORT" -F /dev/null -o module=$so \
	    -o "module-env=SOFTHSM2_CONF=$SOFTHSM2_CONF" \
	    -o "ca=$R/alice/ca.crt" "$@" </dev/null >"$R/out" 2>"$R/err" ||
	    rc=$?
}

gets_in()
{
	[ "$rc" -eq 0 ] || give_up "exit $rc"
	[ "$(cat "$R/out")" = "$1" ] || give_up "became '$(cat "$R/out")'"
}

stays_out()
{
	[ "$rc" -eq 255 ] || give_up "exit $rc, not 255"
	grep -qE -- "$1" "$R/err" || give_up "the client does not say '$1'"
}

number_of_two()
{
	sed -n "s/^certlogin:  *\([0-9]\)\. token 'two'.*/\1/p" "$R/shown"
}

# at_terminal WORDS ANSWER ARGUMENT…: the client on a terminal; when it shows
# these words, what the command ANSWER prints is typed
at_terminal()
{
	local words=$1 answer=$2 pid

	shift 2
	exec 7<>"$R/keys"
	script -qec "certlogin -p $PORT -F /dev/null -o module=$so \
	    -o module-env=SOFTHSM2_CONF=$SOFTHSM2_CONF \
	    -o ca=$R/alice/ca.crt $*" /dev/null >"$R/shown" 2>&1 <&7 &
	pid=$!
	wait_for 20 grep -q "$words" "$R/shown" ||
	    give_up "not asked: $(cat "$R/shown")"
	$answer >&7
	rc=0
	wait $pid || rc=$?
	exec 7>&-
	[ "$rc" -eq 0 ] || give_up "exit $rc: $(cat "$R/shown")"
}

realm_make
mkfifo "$R/keys"
export HOME=$R/me
mkdir -p "$HOME" "$R/tokens"
printf 'directories.tokendir = %s\nobjectstore.backend = file\n' \
    "$R/tokens" >"$SOFTHSM2_CONF"
(umask 077 && echo 1234 >"$R/pin" && echo 9999 >"$R/wrong")
token one alice
daemon_start

echo "the only certificate, the PIN from a file"
card -o "pin-file=$R/pin" localhost id -un
gets_in alice

echo "by URI"
card -o "pin-file=$R/pin" -i 'pkcs11:token=one;object=alice' localhost id -un
gets_in alice
card -o "pin-file=$R/pin" -i 'pkcs11:token=none' localhost id -un
stays_out 'no certificate'

echo "no PIN, a wrong one, one that others can read"
card -o batchmode=yes localhost id
stays_out 'pin-file'
card localhost id
stays_out 'pin-file'
card -o "pin-file=$R/wrong" localhost id
stays_out '[Ww]rong PIN'
chmod 0644 "$R/pin"
card -o "pin-file=$R/pin" localhost id
stays_out 'chmod 600'
chmod 0600 "$R/pin"
card -o "pin-file=$R/pin" localhost id -un
gets_in alice

echo "the PIN at the terminal"
at_terminal "PIN of 'one'" 'echo 1234' localhost id -un
grep -q '^alice' "$R/shown" || give_up "shown: $(cat "$R/shown")"
! grep -q 1234 "$R/shown" || give_up "the PIN was shown"

echo "several certificates"
token two bob
card -o batchmode=yes -o "pin-file=$R/pin" localhost id
stays_out '2 certificates fit'
for person in alice bob; do
	grep -q "[12]\. token.*user/$person" "$R/err" ||
	    give_up "$person is not listed"
done
at_terminal "Which of these" number_of_two -o "pin-file=$R/pin" \
    bob@localhost id -un
grep -q '^bob' "$R/shown" || give_up "shown: $(cat "$R/shown")"

echo "a driver that is none"
card -o "module=$R/pin" localhost id
stays_out 'pin'
