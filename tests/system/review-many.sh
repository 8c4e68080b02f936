#!/bin/bash
# 200 live sessions of 20 identities in one account: one is revoked at the CA,
# its CRL is copied in place, and all sessions of that identity end within 2 s,
# and no other.
# alone
# limit: 240
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

IDENTITIES=20
EACH=10

nobody_left()
{
	control status | grep -qE 'sessions +0'
}

realm_make
names=()
for ((n = 0; n < IDENTITIES; n++)); do
	ca issue user "u$n" --out "$R/u$n"
	names+=("u$n")
done
cp "$R/u0/ca.crt" "$R/ca.crt"
echo "allow user user uri=spiffe://$REALM/user/u* as alice" \
    >>"$R/etc/identity.map"
set_conf max-sessions 400
cat >"$R/client" <<END
#!/bin/sh
exec certlogin -p $PORT -F /dev/null -o batchmode=yes -i "$R/\$1/\$1.crt" \
    -o "ca=$R/ca.crt" alice@localhost 'echo up; exec sleep 1000'
END
chmod 0755 "$R/client"
daemon_start

ca revoke --id user/u7
ca export --out "$R/export"
log_mark
python3 "$SRC/tests/lib/many.py" $EACH u7 \
    "cp $R/export/crl/user.crl $R/etc/crl/user.crl" "$R/client" \
    "${names[@]}" ||
    give_up "many.py: exit $?"
log_since | sed -n 's/.*\(live sessions judged again: .*\)/\1/p'
[ "$(log_since | grep -c "ended: .*user/u7\": revoked")" -eq $EACH ] ||
    give_up "not $EACH were ended"
[ "$(log_since | grep -c 'ended: ')" -eq $EACH ] || give_up "others ended"
wait_for 20 nobody_left ||
    give_up "sessions are left"
