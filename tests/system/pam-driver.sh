#!/bin/bash
# A PKCS#11 driver that hangs, crashes or lies ends in a clear error within
# `timeout`, and lets nobody in.
# also-in: no-sandbox sanitizers
# limit: 240
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

LIAR=$BUILD/tests/tools/liarp11.so

# behave WHAT [ARGUMENT…]: the service `liar` with a driver that does so
behave()
{
	local what=$1

	shift
	service liar "module=$LIAR" "module-env=LIAR_BEHIND=$SOFTHSM" \
	    "module-env=LIAR=$what" "module-env=LIAR_KEEP=$R/keep/sig" \
	    timeout=2 "$@"
}

# lies WHAT PERSON LOG [ANSWER…]
lies()
{
	local what=$1 person=$2 log=$3 begun=$SECONDS

	shift 3
	echo "$what"
	behave "$what"
	keeps_out "$person" "$log" alice liar "$@"
	[ $((SECONDS - begun)) -le 8 ] || give_up "took $((SECONDS - begun)) s"
	[ -z "$(pgrep -u $P11_USER)" ] || give_up "the helper is still there"
}

# kept_out: all that `reach` tried was forbidden
kept_out()
{
	[ "$(wc -l <"$R/keep/sig")" = 7 ] || give_up "not all was tried"
	# EPERM
	[ "$(grep -vc ' 1$' "$R/keep/sig")" = 0 ] ||
	    give_up "reached: $(cat "$R/keep/sig")"
}

# try_as_alice: a caller without root
try_as_alice()
{
	printf '1234\n' | setpriv --reuid=42001 --regid=42001 --clear-groups \
	    pamtester liar alice authenticate >"$R/err" 2>&1 ||
	    give_up "without root"
}

# honest: the control
honest()
{
	behave nothing
	lets_in alice liar 1234
}

pam_make
[ -e "$LIAR" ] || {
	echo "$LIAR was not built"
	exit 77
}
mkdir "$R/keep"
chown $P11_USER "$R/keep"
card_of alice
honest

for when in load list login sign; do
	lies hang-$when 'did not answer within 2000 ms' 'did not answer' 1234
	lies crash-$when 'crashed' 'crashed' 1234
done
honest
lies zeros 'does not prove' 'signature of user' 1234
lies random 'does not prove|No signature' 'signature' 1234
lies any-pin 'does not prove|No signature' 'signature|C_Sign' 9999
lies count-slots 'slots' 'claims 1000000' 1234
lies count-objects 'objects' 'objects' 1234
lies huge 'cannot be read' 'cannot be read' 1234
not_asked

echo "a slow card: each answer has the time, not all of them together"
behave slow timeout=5
lets_in alice liar 1234

echo "an old signature"
behave replay
lets_in alice liar 1234
[ -s "$R/keep/sig" ] || give_up "nothing was kept"
keeps_out 'does not prove' 'signature of user' alice liar 1234
honest

echo "the reader asks for the PIN"
behave pinpad
lets_in alice liar
grep -q 'Look at the reader' "$R/err" || give_up "no word of the reader"
not_asked

# the card in the end: told in this order, and nothing else
diary_is()
{
	[ "$(tr '\n' ' ' <"$R/keep/sig")" = "$1 " ]
}

echo "the card is logged out when the module returns"
rm -f "$R/keep/sig"
behave diary
lets_in alice liar 1234
diary_is 'login sign logout end' || give_up "was: $(cat "$R/keep/sig")"
for _ in 1 2 3 4 5; do
	lets_in alice liar 1234
done
rm -f "$R/keep/sig"
keeps_out 'wrong PIN' 'wrong PIN' alice liar 9999
diary_is 'login end' || give_up "was: $(cat "$R/keep/sig")"

echo "behind a wrong PIN no signature is asked of a key that would make one"
rm -f "$R/keep/sig"
behave refuse
keeps_out 'wrong PIN' 'wrong PIN' alice liar 1234
diary_is 'login end' || give_up "was: $(cat "$R/keep/sig")"

echo "and when its caller is killed in the middle"
rm -f "$R/keep/sig"
behave orphan
printf '1234\n' | env "${SANITIZED[@]}" pamtester liar alice authenticate \
    >"$R/err" 2>&1 &
pid=$!
signing()
{
	grep -q sign "$R/keep/sig"
}
wait_for 15 signing || give_up "no signature: $(cat "$R/err")"
kill -KILL "$(pgrep -x pamtester)"
wait $pid || :
wait_for 10 diary_is 'login sign logout end' ||
    give_up "was: $(cat "$R/keep/sig")"
nobody_left()
{
	[ -z "$(pgrep -u $P11_USER)" ]
}
wait_for 10 nobody_left || give_up "the helper is still there"
behave diary
lets_in alice liar 1234

rm -f "$R/keep/sig"
echo "a PIN for each signature: asked for once"
behave always
lets_in alice liar 1234
[ "$(grep -c 'PIN of' "$R/err")" = 1 ] || give_up "asked again"

if grep -q '^#define WITH_SANDBOX' "$BUILD/config.h" &&
    ! grep -q '^#define WITH_SANITIZERS' "$BUILD/config.h"; then
	echo "a driver that would be another program, or reach its caller"
	rm -f "$R/keep/sig"
	behave reach
	lets_in alice liar 1234
	kept_out
	# of the caller's own uid, where nothing but the filter is in the way
	rm -f "$R/keep/sig"
	behave reach remote=allow
	chown -R 42001:42001 "$R/tokens" "$R/keep"
	try_as_alice
	kept_out
	chown -R $P11_USER:$P11_USER "$R/tokens" "$R/keep"
fi

echo "a driver meets no rights of root's when it is loaded"
TRY=(authenticate)
install -m 666 /dev/null "$R/ids"
behave nothing "module-env=LIAR_IDS=$R/ids" remote=allow
# ids UID: what the driver saw
ids()
{
	local line

	for line in "Uid:	$1	$1	$1	$1" "Gid:	$1	$1	$1	$1" 'Groups:	 ' \
	    'CapPrm:	0000000000000000' 'NoNewPrivs:	1'; do
		grep -qxF "$line" "$R/ids" || give_up "$(cat "$R/ids")"
	done
}
lets_in alice liar 1234
ids $P11_USER
# as su, the real uid somebody else's; sanitizers cannot be preloaded there
if [ ${#SANITIZED[@]} -eq 0 ]; then
	: >"$R/ids"
	printf '1234\n' | setpriv --ruid=42002 pamtester -I ruser=alice \
	    liar alice authenticate >"$R/err" 2>&1 || give_up "as su"
	ids $P11_USER
fi

echo "locked"
lies locked 'is locked' 'is locked' 1234
not_asked

echo "last try: said to the owner, kept from others"
behave final remote=allow
lets_in alice liar 1234
grep -q 'Last try' "$R/err" || give_up "not said"
TRY_OPTIONS=(-I ruser=bob)
keeps_out 'only its owner' 'last try' alice liar 1234
not_asked
TRY_OPTIONS=(-I ruser=alice)
lets_in alice liar 1234
TRY_OPTIONS=()

echo "behind a driver that hangs, the key file"
file_of alice alice
TRY=(authenticate)
behave hang-login source=token,file file=%h/id.pem
lets_in alice liar 1234 "$PASS"
grep -q 'did not answer' "$R/err" || give_up "nothing of the driver"

echo "nobody waits where there is no reader"
begun=$SECONDS
behave no-reader wait=20s
keeps_out 'cannot retrieve' 'no card' alice liar
[ $((SECONDS - begun)) -le 8 ] || give_up "waited"
! grep -q Insert "$R/err" || give_up "asked for a card"

echo "a card that comes while somebody waits"
rm -f "$R/keep/sig"
behave absent wait=30s
log_mark
(printf '1234\n' |
    env "${SANITIZED[@]}" stdbuf -o0 pamtester -v liar alice authenticate \
    >"$R/err" 2>&1) &
pid=$!
wait_for 15 grep -q 'Insert your smart card' "$R/err" ||
    give_up "not asked to insert it"
touch "$R/keep/sig"
wait $pid || give_up "not let in"
wait_log 'authenticated: account=alice' || give_up "not in the log"

echo "a driver that is none"
service none module=/nonexistent/driver.so
keeps_out 'not set up' 'not set up: module /nonexistent' alice none 1234
service none "module=$R/etc/pam.conf"
keeps_out 'not set up' 'not set up: module' alice none 1234
cp "$SOFTHSM" "$R/soft.so"
chmod 0666 "$R/soft.so"
service none "module=$R/soft.so"
keeps_out 'not set up' 'written by others' alice none 1234
