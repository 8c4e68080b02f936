#!/bin/bash
# What a reload changes and what it must not: a damaged CRL leaves the one in
# force, a new host key is used by the next login, and what expires soon is
# said at once and every day.
# also-in: no-sandbox
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

CRL=$R/etc/crl/user.crl
ANCHOR=$R/etc/ca/user.crt
MAP=$R/etc/identity.map

# damaged WHAT COMMAND…: which leaves an anchor that is none, while the map
# changes, too: none of it comes into force, and it is said where and what to do
damaged()
{
	local line

	echo "an anchor: $1"
	shift
	line=$(awk '/^anchor *= ca\/user.crt/ {print NR}' "$R/etc/trust.conf")
	"$@"
	log_mark
	rc=0
	control reload >"$R/out" 2>"$R/err" || rc=$?
	[ "$rc" -eq 1 ] || give_up "certloginctl reload: exit $rc, not 1"
	grep -qE "trust.conf:$line:1: error: anchor ca/user.crt of \
authority 'user': .*; put the CA's certificate there" "$R/err" ||
	    give_up "certloginctl does not say where: $(cat "$R/err")"
	log_has 'reload: .*; what was loaded before stays in force' ||
	    give_up "not logged"
	admitted alice alice
	refused bob bob revoked revoked
	refused carol carol '' 'no rule'
}

# serial of the one that the server shows
host_serial()
{
	openssl s_client -connect "127.0.0.1:$PORT" -tls1_3 \
	    -alpn certlogin/1 </dev/null 2>/dev/null |
	    openssl x509 -noout -serial
}

cut_off()
{
	head -c 100 "$R/good.anchor" >"$ANCHOR"
}

realm_make
daemon_start
ca revoke --id user/bob
ca export --out "$R/etc"
daemon_reload
refused bob bob revoked revoked

echo "a damaged CRL"
cp "$CRL" "$R/good.crl"
head -c 100 "$R/good.crl" >"$CRL"
log_mark
kill -HUP "$DAEMON"
wait_log 'stays in force' || give_up "no word about the damaged CRL"
log_has 'crl/user\.crl' || give_up "not said which"
admitted alice alice
refused bob bob revoked revoked
rc=0
control reload >"$R/out" 2>"$R/err" || rc=$?
[ "$rc" -eq 1 ] || give_up "certloginctl reload: exit $rc, not 1"
grep -q 'loaded: .*crl/user\.crl: .*stays in force' "$R/err" ||
    give_up "certloginctl does not say which"
mv "$CRL" "$R/damaged.crl"
rc=0
control reload >"$R/out" 2>"$R/err" || rc=$?
[ "$rc" -eq 1 ] || give_up "no CRL, certloginctl reload: exit $rc, not 1"
admitted alice alice
cp "$R/good.crl" "$CRL"
control reload >"$R/out" 2>"$R/err" || give_up "certloginctl reload: exit $?"
admitted alice alice
refused bob bob revoked revoked

cp "$ANCHOR" "$R/good.anchor"
cp "$MAP" "$R/good.map"
sed -i "s/user\/alice as alice/user\/carol as carol/" "$MAP"
damaged gone rm "$ANCHOR"
damaged "cut off" cut_off
damaged "something else" cp /etc/hostname "$ANCHOR"
damaged empty cp /dev/null "$ANCHOR"
cp "$R/good.anchor" "$ANCHOR"
control reload >"$R/out" 2>"$R/err" || give_up "certloginctl reload: exit $?"
admitted carol carol
refused alice alice '' 'no rule'
cp "$R/good.map" "$MAP"
control reload >"$R/out" 2>"$R/err" || give_up "certloginctl reload: exit $?"
admitted alice alice

echo "ten at once: each is told how it ended"
pids=()
for ((n = 0; n < 10; n++)); do
	control reload >"$R/reload.$n" 2>&1 &
	pids+=($!)
done
for pid in "${pids[@]}"; do
	wait "$pid" || give_up "certloginctl reload: exit $?"
done
[ "$(grep -l 'done' "$R"/reload.* | wc -l)" -eq 10 ] ||
    give_up "said: $(cat "$R"/reload.*)"
admitted alice alice

echo "where the host's key failed, nothing is swapped"
before=$(host_serial)
ca issue host localhost --ip 127.0.0.1 --out "$R/next"
set_conf certificate "$R/next/localhost.crt"
rc=0
control reload >"$R/out" 2>"$R/err" || rc=$?
[ "$rc" -eq 1 ] || give_up "a foreign key: exit $rc, not 1"
[ "$(host_serial)" = "$before" ] || give_up "another certificate"
admitted alice alice

echo "a new certificate and key"
set_conf key "$R/next/localhost.key"
control reload >"$R/out" 2>"$R/err" || give_up "certloginctl reload: exit $?"
[ "$(host_serial)" != "$before" ] || give_up "still the old certificate"
[ -n "$(host_serial)" ] || give_up "no certificate"
admitted alice alice

echo "what expires within 30 days"
! grep -q 'expires in\|has expired' "$R/log" || give_up "a warning too early"
ca issue host localhost --ip 127.0.0.1 --days 29 --out "$R/short"
set_conf certificate "$R/short/localhost.crt"
set_conf key "$R/short/localhost.key"
daemon_reload 'host certificate .* expires in 2[89] days'
control status | grep -q 'host-certificate-expires' || give_up "no status"
admitted alice alice
