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

# race STATUS COMMAND…: what the command changes is loaded while the login is in
# PAM
race()
{
	local status=$1

	shift
	rm -f "$R/in-pam" "$R/go"
	client_status alice alice@localhost id -un </dev/null &
	client_pid=$!
	wait_for 20 test -e "$R/in-pam" || give_up "the login did not reach PAM"
	"$@"
	daemon_reload
	touch "$R/go"
	wait "$client_pid" || give_up "client"
	rc=$(cat "$R/status")
	[ "$rc" -eq "$status" ] || give_up "exit $rc, not $status"
}

# rules SED: the map, edited
rules()
{
	sed "$1" "$R/map" >"$R/map.new"
	mv "$R/map.new" "$R/etc/identity.map"
}

new_host_key()
{
	ca issue host localhost --ip 127.0.0.1 --out "$R/next"
	set_conf certificate "$R/next/localhost.crt"
	set_conf key "$R/next/localhost.key"
}

revoke()
{
	ca revoke --id user/alice
	ca export --out "$R/etc"
}

cp "$R/etc/identity.map" "$R/map"
echo "a new map that still has the rule"
race 0 rules 's|^# the.*|# another line|'
[ "$(cat "$R/out")" = alice ] || give_up "output '$(cat "$R/out")'"

echo "a new map without it"
race 255 rules '/user\/alice /d'
[ ! -s "$R/out" ] || give_up "there was output"
wait_log 'no rule' || give_up "the log does not say why"
rules ''
daemon_reload
race 0 true

echo "a new map that gives another account"
race 0 rules 's|\(user/alice\) as alice|\1 as bob,alice|'

echo "a new host certificate and key: what was proved to the old one counts"
race 0 new_host_key
race 0 true

echo "revoked meanwhile"
race 255 revoke
wait_log 'revoked' || give_up "the log does not say why"
