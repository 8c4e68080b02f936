#!/bin/bash
# certloginctl status --metrics: good text of Prometheus' format, whose numbers
# follow what happens.
# also-in: sanitizers
# limit: 180
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

# metrics SAMPLE…: they are good, and these are there
metrics()
{
	control status --metrics >"$R/metrics" || give_up "exit $?"
	python3 "$SRC/tests/lib/promcheck.py" "$@" <"$R/metrics" \
	    2>"$R/complaints" || give_up "$(cat "$R/complaints")"
}

# the checker itself complains
echo "what is not good is found"
for bad in 'a_total 1' '# HELP a b
# TYPE a counter
a 1' '# HELP a_ms b
# TYPE a_ms gauge
a_ms 1' '# HELP a b
# TYPE a gauge
a{l="x"} 1
a{l="x"} 2' '# HELP a b
# TYPE a gauge
a{l="x"y"} 1' '# HELP a b
# TYPE a histogram
a_bucket{le="1"} 2
a_bucket{le="+Inf"} 1
a_sum 1
a_count 1'; do
	! python3 "$SRC/tests/lib/promcheck.py" <<<"$bad" 2>/dev/null ||
	    give_up "taken for good: $bad"
done
python3 "$SRC/tests/lib/promcheck.py" 'a{l="x\\"} 1' <<'END' ||
# HELP a b
# TYPE a gauge
a{l="x\\"} 1
END
    give_up "a good one is refused"

realm_make
echo "allow user user uri=spiffe://$REALM/user/sysacct as sysacct" \
    >>"$R/etc/identity.map"
ca revoke --id user/bob
ca export --out "$R/etc"
daemon_start

echo "at the start"
now=$(date +%s)
metrics 'certlogin_sessions 0' 'certlogin_connections_waiting 0' \
    'certlogin_logins_total{result="admitted"} 0' \
    'certlogin_logins_total{result="refused",reason="revoked"} 0' \
    'certlogin_reloads_total{result="done"} 0' \
    'certlogin_last_reload_successful 1' 'certlogin_problems 0' \
    "certlogin_start_time_seconds >=$((now - 60))" \
    "certlogin_policy_loaded_timestamp_seconds >=$((now - 60))" \
    'certlogin_rules 4' \
    "certlogin_host_certificate_expiry_timestamp_seconds >=$((now + 86400))" \
    "certlogin_anchor_expiry_timestamp_seconds{authority=\"user\"} >=$now" \
    'certlogin_crl_usable{authority="user"} 1' \
    'certlogin_crl_usable{authority="device"} 1' \
    'certlogin_crl_age_seconds{authority="user"} <=600' \
    "certlogin_crl_next_update_timestamp_seconds{authority=\"user\"} >=$now" \
    'certlogin_crl_revoked_certificates{authority="user"} 1' \
    'certlogin_crl_revoked_certificates{authority="device"} 0' \
    'certlogin_login_duration_seconds_count 0'
grep -q '^certlogin_build_info{version="[0-9.]*"} 1$' "$R/metrics" ||
    give_up "no version"

echo "logins by result"
admitted alice alice
admitted alice alice
refused bob bob revoked revoked
refused carol carol 'no account|not mapped|no rule|rule' 'no rule'
refused sysacct sysacct 'may not' 'sysacct'
openssl s_client -connect "127.0.0.1:$PORT" -tls1_3 -alpn certlogin/1 \
    </dev/null >/dev/null 2>&1 || :
wait_log 'no client certificate|closed before' || give_up "no failure"
# a peer that connects and goes is nothing
exec 7<>"/dev/tcp/127.0.0.1/$PORT"
exec 7>&-
metrics 'certlogin_logins_total{result="admitted"} 2' \
    'certlogin_logins_total{result="refused",reason="revoked"} 1' \
    'certlogin_logins_total{result="refused",reason="map"} 1' \
    'certlogin_logins_total{result="refused",reason="account"} 1' \
    'certlogin_logins_total{result="refused",reason="certificate"} 0' \
    'certlogin_logins_total{result="failed",reason="handshake"} 1' \
    'certlogin_logins_total{result="failed",reason="fault"} 0' \
    'certlogin_login_duration_seconds_count 2' \
    'certlogin_login_duration_seconds_bucket{le="30"} 2' \
    'certlogin_handshake_duration_seconds_count 5'
control status --json | grep -q '"logins":2,"refusals":4' ||
    give_up "status counts otherwise: $(control status)"

echo "sessions, and who waits"
mkfifo "$R/hold"
certlogin -p "$PORT" -F /dev/null -o batchmode=yes -i "$R/alice/alice.crt" \
    -o "ca=$R/alice/ca.crt" alice@localhost cat <"$R/hold" \
    >/dev/null 2>&1 &
held=$!
exec 8>"$R/hold"
wait_for 10 eval 'control sessions | grep -q alice' || give_up "no session"
exec 7<>"/dev/tcp/127.0.0.1/$PORT"
wait_for 10 eval "control status --metrics |
    grep -qx 'certlogin_connections_waiting 1'" || give_up "nobody waits"
metrics 'certlogin_sessions 1' 'certlogin_connections_waiting 1'
exec 7>&-

echo "reloads, and a problem"
control reload >/dev/null || give_up "reload: exit $?"
mv "$R/etc/identity.map" "$R/map"
echo nonsense >"$R/etc/identity.map"
rc=0
control reload >/dev/null 2>&1 || rc=$?
[ "$rc" -eq 1 ] || give_up "a bad map: exit $rc"
metrics 'certlogin_last_reload_successful 0' 'certlogin_problems 1' \
    "certlogin_last_reload_timestamp_seconds >=$now" 'certlogin_rules 4'
grep -qE '^certlogin_reloads_total\{result="failed"\} [1-9]' "$R/metrics" ||
    give_up "the failed reload was not counted"
grep -qE '^certlogin_reloads_total\{result="done"\} [1-9]' "$R/metrics" ||
    give_up "the good reload was not counted"
mv "$R/map" "$R/etc/identity.map"
control reload >/dev/null || give_up "reload: exit $?"
metrics 'certlogin_last_reload_successful 1' 'certlogin_problems 0'

echo "a session that comes back to a new certlogind is no login"
daemon_stop
daemon_start
wait_for 10 eval 'control sessions | grep -q alice' || give_up "not back"
metrics 'certlogin_sessions 1' 'certlogin_logins_total{result="admitted"} 0'
exec 8>&-
wait "$held" || give_up "the session ended with $?"

echo "who said nothing, who came too many"
daemon_stop
set_conf login-grace-time 1s
set_conf max-per-source 1
daemon_start
exec 7<>"/dev/tcp/127.0.0.1/$PORT"
client alice alice@localhost true </dev/null
[ "$rc" -eq 255 ] || give_up "a second one of a source got in"
wait_for 10 eval "control status --metrics |
    grep -qx 'certlogin_connections_closed_total{reason=\"silent\"} 1'" ||
    give_up "not counted: $(control status --metrics | grep closed)"
metrics 'certlogin_connections_closed_total{reason="max-per-source"} 1' \
    'certlogin_logins_total{result="failed",reason="timeout"} 0'
exec 7>&-
set_conf login-grace-time 30s
daemon_reload
admitted alice alice

echo "not together with --json"
rc=0
control status --metrics --json >"$R/out" 2>"$R/err" || rc=$?
[ "$rc" -eq 2 ] || give_up "exit $rc, not 2"
