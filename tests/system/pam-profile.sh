#!/bin/bash
# pam-auth-update with our profile: certificates beside passwords in every
# service; cron, keys of sshd and passwords stay as they were; off again.
# limit: 180
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

pam_make
profile_make
usermod -p "$(openssl passwd -6 alicepassword)" alice
cat >/etc/pam.d/common <<-'END'
@include common-auth
@include common-account
@include common-session
END

echo "installed, it is off"
profile_update --package
! grep -q pam_certlogin /etc/pam.d/common-auth || give_up "on by itself"
profile_update --enable certlogin
grep -q 'success=2 default=ignore.*pam_certlogin' /etc/pam.d/common-auth ||
    give_up "not enabled: $(cat /etc/pam.d/common-auth)"

echo "by card, then by password"
card_of alice
lets_in alice common 1234
try alice common 9999 alicepassword
[ $rc -eq 0 ] || give_up "the password no longer works after a wrong PIN"
card_pull
try alice common alicepassword
[ $rc -eq 0 ] || give_up "the password no longer works without a card"
keeps_out 'Authentication failure' 'pam_unix' alice common wrong

echo "account and session of those who came otherwise: cron, keys of sshd"
for service in cron sshd; do
	[ -f "/etc/pam.d/$service" ] || cp /etc/pam.d/common \
	    "/etc/pam.d/$service"
	TRY_OPTIONS=(-I rhost=192.0.2.1)
	[ $service = sshd ] || TRY_OPTIONS=()
	TRY=(acct_mgmt 'setcred(PAM_ESTABLISH_CRED)' open_session
	    close_session)
	try alice $service
	[ $rc -eq 0 ] || give_up "$service is broken: $(cat "$R/err")"
done
TRY_OPTIONS=()

echo "the same with a broken configuration"
echo nonsense >>"$R/etc/pam.conf"
try alice cron
[ $rc -eq 0 ] || give_up "cron is broken: $(cat "$R/err")"
TRY=(authenticate acct_mgmt)
try alice common alicepassword
[ $rc -eq 0 ] || give_up "the password no longer works"
grep -q 'not set up' "$R/err" || give_up "the person is not told"
wait_log 'not set up: .*pam.conf:' || give_up "not in the log"

echo "off again"
profile_update --remove certlogin
! grep -q pam_certlogin /etc/pam.d/common-* || give_up "not off"
