#!/bin/bash
# What a map would end if it were in force: certlogind counts, and ends nobody.
# also-in: no-sandbox sanitizers
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/liars.sh
. "$SRC/tests/lib/liars.sh"
# shellcheck source=tests/lib/review.sh
. "$SRC/tests/lib/review.sh"

NEW=$R/new.map

# trial ARGUMENT…: its answer is in $R/trial
trial()
{
	python3 "$SRC/tests/lib/trymap.py" "$R/run/control" "$@" \
	    >"$R/trial" 2>&1 || give_up "trymap: $(cat "$R/trial")"
}

# says LINE…: the answer has these lines
says()
{
	local line

	for line in "$@"; do
		grep -qxF -- "$line" "$R/trial" ||
		    give_up "no '$line': $(cat "$R/trial")"
	done
}

four_judges()
{
	[ "$(pgrep -fc 'certlogin-judge review')" -eq 4 ]
}

realm_make
liar_make judge lyingreview
review_make
daemon_start
without a alice alice
without a2 alice alice
without b bob bob
without m meter ingest
log_mark

echo "the same map"
trial "$R/etc/identity.map"
says 'status 0 ' '[trial]' sessions=4 ends=0 unknown=0 yours=no
! grep -q '\[ends\]' "$R/trial" || give_up "somebody would end"

echo "one rule less"
grep -v user/alice "$R/etc/identity.map" >"$NEW"
trial "$NEW"
says 'status 0 ' sessions=4 ends=2 unknown=0 yours=no account=alice \
    "identity=user uri=spiffe://$REALM/user/alice" why=no-rule
[ "$(grep -cx '\[ends\]' "$R/trial")" -eq 2 ] || give_up "$(cat "$R/trial")"
pid=$(sed -n 's/^pid=//p' "$R/trial" | head -n 1)
grep -qa certlogin-session "/proc/$pid/cmdline" || give_up "pid $pid"
reference=$(sed -n 's/^reference=//p' "$R/trial" | head -n 1)
grep -q "login: account=alice .*reference=$reference " "$R/log" ||
    give_up "reference $reference"
trial "$NEW" $$ "$pid" 1
says 'status 0 ' ends=2 yours=yes
log_has 'trial of a map for uid=0 .*: it would end 2 of 4 sessions' ||
    give_up "not logged"

echo "an empty one, and one with errors"
: >"$NEW"
trial "$NEW"
says 'status 0 ' sessions=4 ends=4
echo "allow user nobody uri=x:y as alice" >"$NEW"
trial "$NEW"
says 'status 1 the map has errors' '[finding]' "file=$NEW" line=1 level=error

echo "no map at all"
trial -
says 'status 3 malformed request'
# shellcheck disable=SC2046	# words
trial "$NEW" $(seq 65)
says 'status 3 malformed request'
truncate -s 5G "$NEW"
trial "$NEW"
says 'status 1 the map has errors' '[finding]'
mkfifo "$R/fifo"
exec 7<>"$R/fifo"
trial "$R/fifo"
says 'status 1 the map has errors'
exec 7>&-

echo "a judge that lies, or dies"
for lie in crash admit other; do
	lie $lie
	trial "$R/etc/identity.map"
	grep -qE '^status 3 what the map would end is not known: the judge: ' \
	    "$R/trial" || give_up "$(cat "$R/trial")"
done
lie honest
trial "$R/etc/identity.map"
says 'status 0 ' sessions=4 ends=0

echo "several at once, one too many"
lie silence
for ((i = 0; i < 4; i++)); do
	python3 "$SRC/tests/lib/trymap.py" "$R/run/control" \
	    "$R/etc/identity.map" >"$R/trial.$i" 2>&1 &
	pids[i]=$!
done
wait_for 10 four_judges ||
    give_up "not four judges"
trial "$R/etc/identity.map"
says 'status 3 too many maps are tried at once; try again'
for pid in "${pids[@]}"; do
	wait "$pid" || give_up "trymap: exit $?"
done
grep -l 'the judge: no answer within its time' "$R"/trial.[0-3] | wc -l |
    grep -qx 4 || give_up "$(cat "$R"/trial.[0-3])"
lie honest

echo "nobody was ended, and all goes on"
stays a a2 b m
! log_has 'ended: ' || give_up "somebody was ended"
admitted alice alice
