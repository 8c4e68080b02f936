#!/bin/bash
# What a login is: the account's ids, home, shell and environment, and
# nothing of the daemon's; the account stack decides who may.
# also-in: no-sandbox sanitizers
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

# shell COMMAND…: run by alice; stdout in $out
shell()
{
	client alice alice@localhost "$@" </dev/null
	[ "$rc" -eq 0 ] || give_up "'$*': exit $rc"
	out=$(cat "$R/out")
}

# is NAME WANTED: about $out
is()
{
	[ "$out" = "$2" ] || give_up "$1 is '$out', not '$2'"
}

realm_make
echo "friends:x:42100:alice" >>/etc/group
export CANARY=of-the-daemon
daemon_start
unset CANARY

echo "ids, folder, mask"
shell id -u; is uid 42001
shell id -g; is gid 42001
shell 'id -G | tr " " "\n" | sort | xargs'; is groups "42001 42100"
shell pwd; is folder "$R/home/alice"
shell umask; is umask 0022
shell 'grep -E "^(Cap(Inh|Prm|Eff|Amb)|Sig(Blk|Ign)|NoNewPrivs)" \
    /proc/self/status | cut -f2 | sort -u | xargs'
is "capabilities and signals" "0 0000000000000000"
shell 'cd /proc/self/fd && echo *'; is descriptors "0 1 2 3"

echo "environment"
shell 'env | cut -d= -f1 | grep -vE "^(_|SHLVL|PWD|OLDPWD)$" | sort | xargs'
is names "CERTLOGIN_CONNECTION CERTLOGIN_IDENTITY CERTLOGIN_ISSUER CERTLOGIN_SERIAL HOME LOGNAME PATH SHELL USER"
# shellcheck disable=SC2016	# the other side expands it
shell 'echo "$USER $LOGNAME $HOME $SHELL $CERTLOGIN_IDENTITY"'
is values "alice alice $R/home/alice /bin/bash user uri=spiffe://$REALM/user/alice"
serial=$(openssl x509 -in "$R/alice/alice.crt" -noout -serial |
    sed 's/serial=//' | tr 'A-F' 'a-f')
# shellcheck disable=SC2016
shell 'echo "$CERTLOGIN_SERIAL" | tr -d : | tr A-F a-f'; is serial "$serial"

echo "a shell without a command reads its input, as a login shell"
client alice alice@localhost <<<'shopt -q login_shell && echo login; exit 5'
[ "$rc" -eq 5 ] && [ "$(cat "$R/out")" = login ] ||
    give_up "exit $rc, output '$(cat "$R/out")'"

echo "exit status and signals"
client alice alice@localhost exit 41 </dev/null
[ "$rc" -eq 41 ] || give_up "exit $rc, not 41"
client alice alice@localhost no-such-command </dev/null
[ "$rc" -eq 127 ] || give_up "exit $rc, not 127"

echo "the log's line of a login"
log_mark
shell true
for word in alice "user uri=spiffe://$REALM/user/alice" 127.0.0.1; do
	wait_log "$word" || give_up "the log does not name '$word'"
done
wait_log "$serial" || give_up "the log does not name the serial number"

echo "restrictions of the map"
echo "allow user user uri=spiffe://$REALM/user/carol as carol command=\"echo forced\" no-pty" \
    >>"$R/etc/identity.map"
daemon_reload
client carol carol@localhost id </dev/null
[ "$(cat "$R/out")" = forced ] || give_up "the forced command did not run"
client carol -tt carol@localhost id </dev/null
[ "$(tr -d '\r' <"$R/out")" = forced ] || [ "$rc" -ne 0 ] ||
    give_up "a terminal in spite of no-pty"

echo "nologin"
echo "closed for the night" >/etc/nologin
refused alice alice 'may not log in' 'account|PAM|nologin'
rm /etc/nologin
admitted alice alice

echo "an expired account"
cp /etc/shadow "$R/shadow"
sed -i 's/^alice:.*/alice:!:19000:0:99999:7::1:/' /etc/shadow
refused alice alice 'may not log in' 'expired|PAM|account'
admitted bob bob
cp "$R/shadow" /etc/shadow
admitted alice alice
