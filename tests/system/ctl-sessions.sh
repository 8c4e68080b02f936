#!/bin/bash
# certloginctl sessions: who is logged in, with everything that is known, of
# one identity or account; complete for thousands, while whoever reads slowly
# holds nothing up.
# also-in: sanitizers
# limit: 180
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

MANY=3000

# held WHO ACCOUNT: a session on a terminal, until ^D comes from descriptor 7
held()
{
	rm -f "$R/hold"
	mkfifo "$R/hold"
	certlogin -p "$PORT" -F /dev/null -o batchmode=yes \
	    -i "$R/$1/$1.crt" -o "ca=$R/$1/ca.crt" -tt "$2@localhost" \
	    'tty; cat' <"$R/hold" >"$R/shown" 2>"$R/err" &
	held=$!
	exec 7>"$R/hold"
	wait_for 10 grep -q pts "$R/shown" || give_up "no session of $1"
}

# as_json PYTHON ARGUMENT…: what `sessions --json ARGUMENT…` prints is s there
as_json()
{
	control sessions --json "${@:2}" >"$R/json" ||
	    give_up "sessions --json: exit $?"
	python3 -c "import json
s = json.load(open('$R/json'))
$1" || give_up "$1: $(head -c 2000 "$R/json")"
}

realm_make
set_conf max-sessions 10000
daemon_start

echo "nobody"
control sessions >"$R/out" || give_up "sessions: exit $?"
[ ! -s "$R/out" ] || give_up "there is one: $(cat "$R/out")"
as_json 'assert s == []'

echo "one, with everything"
held bob alice
tty=$(tr -d '\r' <"$R/shown" | sed 's|^/dev/||')
as_json "
assert len(s) == 1
s = s[0]
assert s['kind'] == 'session' and s['account'] == 'alice'
assert s['identity'] == 'user uri=spiffe://$REALM/user/bob'
assert s['issuer'] == 'CN=user CA 1,O=$REALM'
assert int(s['serial'], 16) > 0
assert s['address'] == '127.0.0.1' and s['tty'] == '$tty'
assert type(s['rule']) is int and s['rule'] == 3
assert type(s['reference']) is int and type(s['pid']) is int
import datetime
since = datetime.datetime.fromisoformat(s['since'].replace('Z', '+00:00'))
now = datetime.datetime.now(datetime.timezone.utc)
assert abs((now - since).total_seconds()) < 60"
control sessions >"$R/out"
grep -qE "^  tty +$tty$" "$R/out" || give_up "$(cat "$R/out")"

echo "of one identity, of one account"
for filter in "--account alice" \
    "--identity 'user uri=spiffe://$REALM/user/bob'" \
    "--account alice --identity 'user uri=spiffe://$REALM/user/bob'"; do
	eval "control sessions $filter" >"$R/out"
	grep -q alice "$R/out" || give_up "$filter: nobody"
done
for filter in "--account bob" "--account alic" \
    "--identity 'uri=spiffe://$REALM/user/bob'" \
    "--account alice --identity 'user uri=spiffe://$REALM/user/alice'"; do
	eval "control sessions $filter" >"$R/out" || give_up "$filter: $?"
	[ ! -s "$R/out" ] || give_up "$filter: $(cat "$R/out")"
done
printf '\004' >&7
exec 7>&-
wait "$held" || give_up "the session ended with $?"
wait_for 10 eval "! control sessions | grep -q alice" || give_up "it stays"

echo "$MANY of them: all, each once"
python3 "$SRC/tests/lib/sessions.py" "$R/run" "$MANY" >"$R/ended" &
many=$!
wait_for 60 grep -q ready "$R/ended" || give_up "no $MANY sessions"
as_json "
assert len(s) == $MANY
assert {x['reference'] for x in s} == set(range(10**9, 10**9 + $MANY))"
[ "$(control sessions | grep -c '^session')" -eq "$MANY" ] || give_up "text"
as_json "assert len(s) == $MANY / 100" --account user7
control status --json | grep -q "\"sessions\":$MANY" ||
    give_up "status counts otherwise"

echo "a slow reader holds nothing up, and gets all of it"
mkfifo "$R/go"
python3 - "$R/run/control" "$MANY" "$R/go" >"$R/slow" <<'END' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
s.connect(sys.argv[1])
s.send(b"\2\4" + bytes(8))
first = s.recv(1 << 17)
assert first[1] == 17, first[:2]
print("begun", flush=True)
open(sys.argv[3]).read()
records = first.count(b"\1\0\0\0\7session")
while True:
    m = s.recv(1 << 17)
    records += m.count(b"\1\0\0\0\7session")
    if m[1] == 16:
        break
assert records == int(sys.argv[2]), records
print("all", flush=True)
END
slow=$!
wait_for 10 grep -q begun "$R/slow" || give_up "it did not begin"
admitted alice alice
control status >"$R/out" || give_up "status: exit $?"
! grep -q all "$R/slow" || give_up "it was not slow"
: >"$R/go"
wait "$slow" || give_up "the slow reader got less: $(cat "$R/slow")"
grep -q all "$R/slow" || give_up "the slow reader got less"

echo "an output that cannot be written is said"
rc=0
control sessions >/dev/full 2>"$R/err" || rc=$?
[ "$rc" -eq 3 ] && grep -q 'output: No space' "$R/err" ||
    give_up "exit $rc: $(cat "$R/err")"

echo "ended together: one account's, then all others'"
control end --account user7 >"$R/out" || give_up "end: exit $?"
grep -qE "ended +$((MANY / 100))\$" "$R/out" || give_up "$(cat "$R/out")"
wait_for 10 eval "[ \$(grep -c ^ended '$R/ended') -eq $((MANY / 100)) ]" ||
    give_up "$(grep -c ^ended "$R/ended") were told"
as_json "assert len(s) == $MANY - $MANY / 100"
for ((n = 0; n < 100; n++)); do
	[ $n -eq 7 ] || control end --account "user$n" >/dev/null ||
	    give_up "user$n: exit $?"
done
wait "$many" || give_up "the stand-ins ended with $?"
[ "$(sort -u "$R/ended" | grep -c ^ended)" -eq "$MANY" ] || give_up "not all"
as_json 'assert s == []'
admitted alice alice
