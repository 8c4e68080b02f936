#!/bin/bash
# A live session that a certlogind of another version finds behind an upgrade is
# seen, counted and ended, by an administrator or by itself; one that finds no
# certlogind, as its run-dir was changed, ends by itself. Nobody lives on unseen,
# and one of the same version is not touched.
# also-in: no-sandbox sanitizers
# limit: 180
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"
# shellcheck source=tests/lib/review.sh
. "$SRC/tests/lib/review.sh"

need_program script
GRACE=6				# seconds, of those that are not to stay
OURS=$(sed -n 's/^#define IPC_VERSION \([0-9]*\).*/\1/p' \
    "$SRC/src/proto/chan.h")
LINE="is of version $((OURS + 1)) of certlogin, this is $OURS"

# daemon_crash: with nobody behind it that would say so
daemon_crash()
{
	kill -KILL "$DAEMON"
	wait "$DAEMON" 2>/dev/null || :
	DAEMON=''
}

# told NAME REGEX: it ends by itself, and its person is told why
told()
{
	wait_for 20 was_told "$1" "$2" || {
		cat "$R/$1.shown" "$R/$1.err" 2>/dev/null
		give_up "$1 was not told: $2"
	}
	wait_for 10 eval "! is_live $1" || give_up "processes of $1 are left"
	wait "${CLIENTS[$1]}" || :
	unset "CLIENTS[$1]"
}

# wire NAME: the socket NAME of the old run-dir leads to that of the new one, and
# who is at one end is of another version for the other
wire()
{
	rm -f "$R/run/$1"
	: >"$R/wire.$1"
	python3 "$SRC/tests/lib/otherversion.py" "$R/run/$1" "$R/run2/$1" \
	    >"$R/wire.$1" &
	WIRES+=($!)
	wait_for 10 grep -q ready "$R/wire.$1" || give_up "no wire"
}

wires_end()
{
	kill "$SYSLOG" "${WIRES[@]}" 2>/dev/null || :
	review_end
}

# control2 COMMAND…: of the certlogind with the new run-dir
control2()
{
	certloginctl -f "$R/etc/certlogind.conf" --run-dir "$R/run2" "$@"
}

# check STATUS RUN-DIR: certloginctl check-restart, what it says in $R/out
check()
{
	local rc=0

	certloginctl -f "$R/etc/certlogind.conf" --run-dir "$2" \
	    check-restart >"$R/out" 2>&1 || rc=$?
	[ "$rc" -eq "$1" ] || give_up "check-restart: $rc, $(cat "$R/out")"
}

# upgraded RUN-DIR: what the package does behind an upgrade, for the certlogind
# of that run-dir; systemd's tools are stand-ins. What it asks them is in
# $R/asked
upgraded()
{
	mkdir -p "$R/bin" /run/systemd/system
	cat >"$R/bin/deb-systemd-invoke" <<-END
	#!/bin/sh
	echo "\$*" >>"$R/asked"
	END
	printf '#!/bin/sh\n' >"$R/bin/systemctl"
	for p in certlogind certloginctl; do
		cat >"$R/bin/$p" <<-END
		#!/bin/sh
		exec $(command -v $p) -f "$R/etc/certlogind.conf" \
		    $([ $p = certlogind ] || echo "--run-dir $1") "\$@"
		END
	done
	chmod 0755 "$R/bin"/*
	: >"$R/asked"
	PATH=$R/bin:$PATH sh "$SRC/debian/certlogin-server.postinst" \
	    configure 0.0.9 >"$R/out" 2>&1 || give_up "postinst: exit $?"
}

# others REGEX: so many of another version, as status says; 0 is none
others()
{
	local rc=0

	control2 status >"$R/out" || rc=$?
	if [ "$1" = 0 ]; then
		[ "$rc" -eq 0 ] && ! grep -q 'another version' "$R/out"
	else
		[ "$rc" -eq 1 ] && grep -qE \
		    "why +$1 are of another version" "$R/out"
	fi
}

# seconds SECONDS: that many are over
seconds()
{
	local end=$((SECONDS + $1))

	wait_for $(($1 + 10)) eval "[ \$SECONDS -gt $end ]"
}

WIRES=()
realm_make
pam_dev
pam_syslog
review_make
AT_END=wires_end
set_conf review-grace-time 10m
daemon_start
on_terminal bobs bob alice
without alices alice alice
set_conf review-grace-time $GRACE
daemon_reload
without short meter ingest

echo "a restart without an upgrade: all are found, and stay"
check 0 "$R/run"
daemon_crash
check 3 "$R/run"
daemon_start
wait_for 10 eval "control status | grep -qE 'sessions +3\$'" ||
    give_up "not found: $(control status)"
seconds $GRACE
stays bobs alices short

echo "restarted with another version: seen, counted"
daemon_crash
set_conf run-dir "$R/run2"
wire register
wire control
log_mark
daemon_start
wait_for 10 others '[23]' || give_up "not seen: $(cat "$R/out")"
control2 sessions --json >"$R/json" || give_up "sessions: exit $?"
python3 - "$R/json" $((OURS + 1)) <<'END' || give_up "sessions: $(cat "$R/json")"
import json, sys
s = json.load(open(sys.argv[1]))
assert len([x for x in s if x["account"] == "alice"]) == 2
for x in s:
    assert x["address"] == "127.0.0.1", x
    assert " uri=spiffe://" in x["identity"], x
    assert x["problem"].startswith("of version " + sys.argv[2]), x
    assert x["expires"] > x["since"] and x["reference"] > 0, x
assert len([x for x in s if x["tty"].startswith("pts/")]) == 1
END

echo "its own time over, one ends and says why, there and in the log"
told short 'certlogin was upgraded on that host'
wait_log 'ended: account=ingest .* for review-grace-time, 6 s, no certlogind of its version' ||
    give_up "the log has not why"
wait_for 10 others 2 || give_up "not 2: $(cat "$R/out")"

echo "what a restart would end, as the script of an upgrade asks"
check 0 "$R/run"
without new bob bob
check 0 "$R/run2"
check 1 "$R/run"
grep -qF 'its live sessions (1) cannot be judged again' "$R/out" ||
    give_up "it says $(cat "$R/out")"
upgraded "$R/run"
grep -q 'certlogind was not restarted' "$R/out" && [ ! -s "$R/asked" ] ||
    give_up "restarted: $(cat "$R/out" "$R/asked")"
upgraded "$R/run2"
grep -qx 'restart certlogind.service' "$R/asked" ||
    give_up "not restarted: $(cat "$R/out")"
rc=0
certloginctl --run-dir "$R/run" status >"$R/out" 2>&1 || rc=$?
[ "$rc" -eq 3 ] && grep -q 'of another version than this program' "$R/out" ||
    give_up "status of another version: $rc, $(cat "$R/out")"
control2 sessions --json --account bob | grep -qF '"problem":""' ||
    give_up "a session of its own has a problem"

certlogin-map --map "$R/etc/identity.map" --trust "$R/etc/trust.conf" add \
    'deny user user serial=01' --run-dir "$R/run2" --dry-run >"$R/out" 2>&1 ||
    give_up "add --dry-run: exit $?"
grep -q 'ends 0 of 3 live sessions' "$R/out" &&
    grep -q '2 of them could not be judged' "$R/out" ||
    give_up "what a map would end: $(cat "$R/out")"

echo "a revocation cannot reach what no judge can look at, an admin can"
change
ca revoke --id user/bob
ca export --out "$R/etc"
ended new 'the certificate is revoked'
stays bobs alices
control2 end --identity "user uri=spiffe://$REALM/user/bob" \
    --message 'log in again' >"$R/out" || give_up "end: exit $?"
grep -qE 'ended +1$' "$R/out" || give_up "end: $(cat "$R/out")"
told bobs 'ended by an administrator: log in again'
wait_for 10 others 1 || give_up "not 1: $(cat "$R/out")"
stays alices
n=$(grep -c "reference=.*$LINE" "$R/log")
[ "$n" -eq 2 ] || [ "$n" -eq 3 ] || give_up "$n lines in the log, not one each"
control2 end --account alice >/dev/null || give_up "end: exit $?"
told alices 'ended by an administrator'
wait_for 10 others 0 || give_up "there are some: $(cat "$R/out")"

echo "run-dir changed: what nobody looks after ends by itself"
without lost meter ingest
daemon_crash
set_conf run-dir "$R/run3"
log_mark
daemon_start
without kept meter ingest
told lost 'nothing there has looked after this session for too long'
wait_log 'ended: account=ingest .* no certlogind answered in its run-dir' ||
    give_up "the log has not why"
stays kept
