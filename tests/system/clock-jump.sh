#!/bin/bash
# The clock is set while certlogind runs: what has run out by it ends by itself,
# whatever waits for a time goes by the new one, and nothing but the clock has
# to be set right again.
# limit: 240
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/lab.sh
. "$SRC/tests/lib/lab.sh"
# shellcheck source=tests/lib/review.sh
. "$SRC/tests/lib/review.sh"
# shellcheck source=tests/lib/clock.sh
. "$SRC/tests/lib/clock.sh"

TOMORROW=$(date -u -d tomorrow +%F)

# at HOURS: an openssl time
at()
{
	date -u -d "$1 hours" +%Y%m%d%H%M%SZ
}

# person NAME CA TO [CONDITION]: may be alice by the serial number
person()
{
	local serial

	lab_issue "$R/$2" "$1" from="$(at -96)" to="$(at "$3")"
	serial=$(openssl x509 -in "$R/$1/$1.crt" -noout -serial)
	echo "allow user $2 serial=${serial#*=} as alice ${4:-}" \
	    >>"$R/etc/identity.map"
}

# jump HOURS: a change as others are, but that the kernel, which would wake
# certlogind up, knows nothing of it: it looks at its files each 5 s
jump()
{
	clock_set "$1"
	change
	BEGAN=$((BEGAN + 6000))
}

# seen: certlogind has, and all sessions were judged by that clock; there may
# be a problem with a CRL
seen()
{
	log_mark
	control reload >"$R/out" 2>&1 || :
	judged_again
}

# says REGEX: status does, on one line
says()
{
	control status >"$R/out" || :
	tr -s '\n ' ' ' <"$R/out" | grep -qE -- "$1"
}

# woke PID N: it has slept and woken up so often
woke()
{
	[ "$(awk '/^voluntary/ {print $2}' "/proc/$1/status")" -ge "$2" ]
}

realm_make
review_make
set_conf review-grace-time 1h
lab_realm
sed -i '/^allow user lab /d' "$R/etc/identity.map"
lab_ca "$R/lab2" "/CN=Lab users who end"
cp "$R/lab2/ca.crt" "$R/etc/ca/lab2.crt"
sed -n '/^\[authority lab\]/,$p' "$R/etc/trust.conf" |
    sed 's/lab\([].]\)/lab2\1/' | sed 's/lab2\.example/lab.example/' \
    >"$R/lab2.conf"
{
	echo
	cat "$R/lab2.conf"
	echo 'on-stale   = end'
} >>"$R/etc/trust.conf"
lab_crl "$R/lab2" "$R/etc/crl/lab2.crl" -crl_nextupdate "$(at 120)"
person good lab 720
person locked lab 720
person short lab 72
person ruled lab 720 "until=$TOMORROW"
person stale lab2 720
person leaver lab 720
serial=$(openssl x509 -in "$R/locked/locked.crt" -noout -serial)
control lock lab "serial=${serial#*=}" --until "$TOMORROW" >"$R/out" ||
    give_up "no lock: $(cat "$R/out")"
clock_begin
daemon_start

for name in good short ruled stale; do
	without $name $name alice
done
refused locked alice locked locked
! says 'expires-soon what CRL of authority lab2' || give_up "warns too early"

echo "two days back: nobody is ended, nobody is freed"
jump -48
seen
stays good short ruled stale
admitted good alice
refused locked alice locked locked

echo "to the true time, and two days beyond: a rule and a lock have ended"
jump 50
ended ruled 'your certificate is trusted, but its access here has ended'
refused ruled alice 'has ended' ended
admitted locked alice
seen
stays good short stale

echo "a certificate"
jump 74
ended short 'the certificate, or one of a CA above it, has expired'
refused short alice expired expired
seen
stays good stale
says 'expires-soon what CRL of authority lab2' || give_up "no warning: $(cat "$R/out")"

echo "a CRL"
jump 122
ended stale 'whether the certificate is revoked cannot be told'
refused stale alice 'list of revoked ones' 'stale'
seen
stays good
says 'problem what CRL of authority lab2 when' || give_up "no word: $(cat "$R/out")"
admitted good alice

echo "set right: all is as before, by the clock alone"
jump 0
for name in short ruled stale; do
	admitted $name alice
done
refused locked alice locked locked
seen
stays good
without short short alice

echo "a CRL of the future counts once the clock is there"
lab_revoke "$R/lab" leaver
lab_crl "$R/lab" "$R/next.crl" -crl_lastupdate "$(at 48)" \
    -crl_nextupdate "$(at 480)"
log_mark
mv "$R/next.crl" "$R/etc/crl/lab.crl"
wait_log 'in the future' || give_up "not refused"
wait_log 'policy loaded' || give_up "the rest is not loaded"
without leaver leaver alice
jump 25
ended leaver 'the certificate is revoked'
log_has 'a CRL that was dated into the future may count now' ||
    give_up "not tried when its time had come"
jump 0
refused leaver alice revoked revoked
seen
stays good short
admitted good alice

echo "a session's patience is not counted by that clock"
session=$(pgrep -x certlogin-sessi | while read -r pid; do
	[ -z "$(pgrep -P "$pid")" ] || echo "$pid"
done | head -n 1)
[ -n "$session" ] || give_up "no session's process"
daemon_stop
jump 60
woken=$(awk '/^voluntary/ {print $2}' "/proc/$session/status")
wait_for 20 woke "$session" $((woken + 3)) ||
    give_up "the session sleeps, or is gone"
stays good short
daemon_start
wait_for 10 says 'sessions +2' || give_up "not found again: $(cat "$R/out")"
stays good short
clock_end
