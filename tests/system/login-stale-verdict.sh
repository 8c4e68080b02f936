#!/bin/bash
# A login that was judged under the older policy while a new one came is
# judged again before it counts: nobody slips in behind a revocation.
# also-in: no-sandbox
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

# client() sets rc in a process of its own
client_status()
{
	client "$@"
	echo "$rc" >"$R/status"
}

realm_make
cat >"$R/hold" <<END
#!/bin/bash
touch "$R/in-pam"
for ((i = 0; i < 400; i++)); do
	[ ! -e "$R/go" ] || exit 0
	sleep 0.05
done
exit 1
END
chmod 0755 "$R/hold"
sed -i "1i account required pam_exec.so quiet $R/hold" \
    "$R/etc/pam.d/certlogind"
daemon_start

# race STATUS: a reload while the login is in PAM
race()
{
	rm -f "$R/in-pam" "$R/go"
	client_status alice alice@localhost id -un </dev/null &
	client_pid=$!
	wait_for 20 test -e "$R/in-pam" || give_up "the login did not reach PAM"
	daemon_reload
	touch "$R/go"
	wait "$client_pid" || give_up "client"
	rc=$(cat "$R/status")
	[ "$rc" -eq "$1" ] || give_up "exit $rc, not $1"
}

echo "a new map that still has the rule"
echo "# another line" >>"$R/etc/identity.map"
race 0
[ "$(cat "$R/out")" = alice ] || give_up "output '$(cat "$R/out")'"

echo "a new map without it"
cp "$R/etc/identity.map" "$R/map"
sed -i '/user\/alice /d' "$R/etc/identity.map"
race 255
[ ! -s "$R/out" ] || give_up "there was output"
wait_log 'no rule' || give_up "the log does not say why"
cp "$R/map" "$R/etc/identity.map"
daemon_reload
race 0

echo "a new map that gives another account"
sed -i 's|\(user/alice\) as alice|\1 as bob,alice|' "$R/etc/identity.map"
race 0

echo "a new host certificate and key: what was proved to the old one counts"
cp "$R/map" "$R/etc/identity.map"
ca issue host localhost --ip 127.0.0.1 --out "$R/next"
set_conf certificate "$R/next/localhost.crt"
set_conf key "$R/next/localhost.key"
race 0
race 0

echo "revoked meanwhile"
cp "$R/map" "$R/etc/identity.map"
daemon_reload
certlogin-ca --dir "$R/ca" --passphrase-file "$R/passphrase" \
    revoke --id user/alice >>"$R/ca.out"
ca export --out "$R/etc"
race 255
wait_log 'revoked' || give_up "the log does not say why"
