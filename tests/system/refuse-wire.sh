#!/bin/bash
# Bytes that a proper client would not send end that connection, with the
# reason in the log, and no other.
# also-in: no-sandbox sanitizers
# limit: 240
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

GOOD=(--cert "$R/alice/alice.crt" --key "$R/alice/alice.key")

# wire CASE ANSWER LOG [OPTION…]
wire()
{
	local case=$1 answer=$2 log=$3

	shift 3
	echo "$case"
	log_mark
	python3 "$SRC/tests/lib/wire.py" --port "$PORT" "$@" "$case" \
	    >"$R/out" 2>"$R/err" || give_up "wire.py: exit $?"
	grep -qE -- "$answer" "$R/out" ||
	    give_up "$case: the answer was '$(cat "$R/out")', not '$answer'"
	[ -z "$log" ] || wait_log "$log" ||
	    give_up "$case: the log does not say '$log'"
	# the first of two opens is a good one
	[ "$case" != open-twice ] || sed -i '/^message 91/d' "$R/out"
	! grep -qE '^message (91|94|99)' "$R/out" ||
	    give_up "$case: there was service: $(cat "$R/out")"
	admitted alice alice
}

realm_make
set_conf login-grace-time 4s
daemon_start

echo "the control: a proper login"
python3 "$SRC/tests/lib/wire.py" --port "$PORT" --wait 2 "${GOOD[@]}" \
    login >"$R/out"
grep -q '^message 52' "$R/out" || give_up "no success: $(cat "$R/out")"

wire no-cert 'alert certificate required' 'no client certificate'
wire tls12 'alert protocol version' 'TLS handshake failed' "${GOOD[@]}"
wire no-alpn 'alert no application protocol' 'ALPN' "${GOOD[@]}"
wire other-alpn 'alert no application protocol' 'ALPN' "${GOOD[@]}"
wire junk 'closed|alert' 'TLS handshake failed'
wire http 'closed|alert' 'TLS handshake failed'
wire half-hello 'closed' 'login-grace-time'
wire silence 'closed' 'said nothing within login-grace-time'
wire idle 'closed' 'login-grace-time' "${GOOD[@]}"
for case in huge-frame big-frame empty-frame string-beyond-frame \
    trailing-bytes nul-in-account long-account; do
	wire "$case" 'closed|message 51' 'frame|malformed|account|message' \
	    "${GOOD[@]}"
done
wire newline-in-account 'closed|message 51' '' "${GOOD[@]}"
wire quote-in-account 'message 51' \
    "asked=\"alice' reference=1: forged\" reference=[0-9]+:" "${GOOD[@]}"
! log_has 'asked="alice" reference=1' || give_up "quotes were closed"
wire cut-frame 'closed' '' "${GOOD[@]}"
for case in unknown-type success-from-client open-before-login \
    data-before-login two-logins request-without-channel open-twice \
    even-channel; do
	wire "$case" 'closed|message' 'turn|order|message|channel' \
	    "${GOOD[@]}"
done
! grep -qE '^root' "$R/log" || give_up "a name broke a line of the log"
