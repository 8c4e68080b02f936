#!/bin/bash
# The PAM module in programs of every kind: SIGCHLD ignored, descriptors
# closed, a second of CPU, threads, an environment full of traps, no name, no
# root; and who counts as local.
# also-in: no-sandbox sanitizers
# limit: 240
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

CALLER=$BUILD/tests/tools/pamcaller

# call ARGUMENT…: what was seen in $R/err, the status in $rc
call()
{
	log_mark
	rc=0
	timeout 60 "$@" 3>"$R/err" >"$R/out" 2>&1 || rc=$?
	# PAM_IGNORE
	! grep -q '^auth: 25' "$R/err" || give_up "auth was ignored"
}

sees()
{
	grep -qE -- "$1" "$R/err" || give_up "not seen: $1"
}

good()
{
	call "$@" <<<1234
	[ $rc -eq 0 ] || give_up "$* (exit $rc): $(cat "$R/out")"
	sees '^auth: 0 '
	sees '^user: alice'
}

# unasked LOG COMMAND…: PAM_AUTHINFO_UNAVAIL, without a question
unasked()
{
	local log=$1

	shift
	call "$@" <<<1234
	[ $rc -eq 1 ] || give_up "$* (exit $rc)"
	sees '^auth: 9 '
	! grep -q '^question' "$R/err" || give_up "was asked"
	wait_log "$log" || give_up "no '$log' in the log"
}

AS_ALICE=(setpriv --reuid=42001 --regid=42001 --clear-groups)

pam_make
[ -x "$CALLER" ] || {
	echo "$CALLER was not built"
	exit 77
}
card_of alice

echo "a quiet one; what the session exports"
good "$CALLER" -u alice try auth acct cred open close
sees '^env: CERTLOGIN_IDENTITY=user uri=spiffe://test.example/user/alice'
sees '^env: CERTLOGIN_ISSUER=CN=user CA'
sees '^env: CERTLOGIN_SERIAL=[0-9a-f]+'
for option in -i -w -c -l -t; do
	echo "$option"
	good "$CALLER" $option -u alice try auth acct open
	[ -z "$(pgrep -u $P11_USER,62002)" ] || give_up "left a helper"
done
good "$CALLER" -i -c -l -t -u alice try auth acct open

echo "an environment with traps"
good "$CALLER" -e "GNUTLS_SYSTEM_PRIORITY_FILE=/nonexistent" \
    -e "SSLKEYLOGFILE=$R/keylog" -e LD_DEBUG=all \
    -e SOFTHSM2_CONF=/nonexistent -u alice try auth acct
[ ! -e "$R/keylog" ] || give_up "a helper obeyed the environment"

echo "no name: the certificate's account"
good "$CALLER" try auth acct
sees '^question: PIN of card'
cat >>"$R/etc/identity.map" <<-END
allow user user uri=spiffe://$REALM/user/alice as carol
END
call "$CALLER" try auth <<<1234
[ $rc -eq 1 ] || give_up "two accounts, one was taken"
sees '^error: .*alice, carol'
sed -i '$d' "$R/etc/identity.map"

echo "silent: asked, but told nothing"
call "$CALLER" -s -u carol try auth <<<1234
[ $rc -eq 1 ] || give_up "carol got in"
! grep -qE '^(text|error):' "$R/err" || give_up "not silent"

echo "somebody else in the account phase"
call "$CALLER" -u alice try acct </dev/null
sees '^acct: 0 '	# pam_permit, behind our PAM_IGNORE
cat >/etc/pam.d/alone <<-END
auth    required pam_permit.so
account required $SO conf=$R/etc/pam.conf
END
call "$CALLER" -u alice alone auth acct </dev/null
[ $rc -eq 1 ] || give_up "the account phase let a stranger through"

echo "unmapped, revoked, expired between authentication and account"
cat >/etc/pam.d/between <<-END
auth    required $SO conf=$R/etc/pam.conf
auth    required pam_exec.so $R/change
account required $SO conf=$R/etc/pam.conf
END
printf '#!/bin/sh\ncp %s/other.map %s/etc/identity.map\n' "$R" "$R" \
    >"$R/change"
chmod +x "$R/change"
cp "$R/etc/identity.map" "$R/same.map"
cp "$R/same.map" "$R/other.map"
good "$CALLER" -u alice between auth acct
sees '^acct: 0 '
sed 's/^allow.*alice as alice$/# gone/' "$R/same.map" >"$R/other.map"
call "$CALLER" -u alice between auth acct <<<1234
sees '^auth: 0 '
sees '^acct: 6 '
cp "$R/same.map" "$R/etc/identity.map"

lab_realm
card_of good
printf '#!/bin/sh\ncp %s/next.crl %s/etc/crl/lab.crl\n' "$R" "$R" \
    >"$R/change"
lab_crl "$R/lab" "$R/next.crl"
good "$CALLER" -u alice between auth acct
sees '^acct: 0 '
lab_revoke "$R/lab" good
lab_crl "$R/lab" "$R/next.crl"
call "$CALLER" -u alice between auth acct <<<1234
sees '^auth: 0 '
sees '^acct: 6 '
sees '^error: Refused: .*revoked'
wait_log 'pam_certlogin\(between:account\): refused .*revoked' ||
    give_up "not in the log"
call "$CALLER" -u alice between auth acct <<<1234
sees '^auth: [^0]'

end=$(($(date +%s) + 12))
lab_issue "$R/lab" brief to="$(date -u -d "@$end" +%Y%m%d%H%M%SZ)"
card_of brief
cat >"$R/change" <<-END
#!/bin/sh
for i in \$(seq 300); do
	[ \$(date +%s) -le $end ] || exit 0
	sleep 0.1
done
exit 1
END
call "$CALLER" -u alice between auth acct <<<1234
sees '^auth: 0 '
sees '^acct: 13 '
wait_log 'pam_certlogin\(between:account\): refused .*expired' ||
    give_up "not in the log"
card_of alice

echo "local: root in no session; a remote host, sudo for somebody"
unasked 'another host' "$CALLER" -r 192.0.2.7 -u alice try auth
unasked 'no terminal|terminal' "$CALLER" -R alice -u alice try auth
service remote remote=allow
good "$CALLER" -r 192.0.2.7 -u alice remote auth acct
good "$CALLER" -R alice -u alice remote auth acct

echo "no root: a locker, with a file, helpers keep its ids"
file_of alice alice
service locker source=file file=%h/id.pem
unasked 'terminal' "${AS_ALICE[@]}" "$CALLER" -u alice locker auth
service locker source=file file=%h/id.pem remote=allow
log_mark
rc=0
printf '%s\n' "$PASS" | "${AS_ALICE[@]}" "$CALLER" -u alice locker auth acct \
    3>"$R/err" >"$R/out" 2>&1 || rc=$?
[ $rc -eq 0 ] || give_up "the locker: $(cat "$R/out" "$R/err")"
echo "somebody else's file is not for it"
file_of bob bob
printf '%s\n' "$PASS" | "${AS_ALICE[@]}" "$CALLER" -u bob locker auth \
    3>"$R/err" >"$R/out" 2>&1 && give_up "bob's file was opened by alice"
sees '^error: Key file: .*opened as its account'

echo "no root, with a card: the caller's own right to it"
service card remote=allow
log_mark
rc=0
chown -R alice "$R/tokens"
echo 1234 | "${AS_ALICE[@]}" "$CALLER" -u alice card auth acct \
    3>"$R/err" >"$R/out" 2>&1 || rc=$?
[ $rc -eq 0 ] || give_up "the locker: $(cat "$R/out" "$R/err")"
chown -R $P11_USER "$R/tokens"

echo "logind: root outside any session, then a session of each kind"
mkdir -p /run/systemd/seats /run/systemd/sessions
good "$CALLER" -u alice try auth
unasked 'no session' "$CALLER" -R alice -u alice try auth
