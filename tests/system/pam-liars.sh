#!/bin/bash
# A captured judge at a local door reaches no account but an ordinary one that
# was asked for, and nonsense from it lets nobody in.
# also-in: no-sandbox
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

helpers=$BUILD/inst/libexec/certlogin

# lying LIE…: from now on
lying()
{
	echo "$*"
	echo "$*" >"$R/helpers/lie"
}

pam_make
[ -x "$BUILD/tests/tools/lyingpamjudge" ] || {
	echo "lyingpamjudge was not built"
	exit 77
}
cp -a "$helpers" "$R/helpers"
mv "$R/helpers/certlogin-judge" "$R/helpers/certlogin-judge.real"
cp "$BUILD/tests/tools/lyingpamjudge" "$R/helpers/certlogin-judge"
mount --bind "$R/helpers" "$helpers"
service try timeout=3
card_of alice

lying honest
lets_in alice try 1234
lying fits alice literal
TRY=(authenticate)
lets_in alice try 1234
keeps_out 'wrong PIN' 'wrong PIN' alice try 9999

lying fits root literal
keeps_out 'does not open' 'uid 0' root try 1234
not_asked
lying fits sysacct literal
keeps_out 'does not open' 'uid 642' sysacct try 1234
not_asked
set_pam privileged-accounts sysacct
lets_in sysacct try 1234
lying fits sysacct captured
keeps_out 'does not open' 'literally' sysacct try 1234
not_asked
sed -i '/^privileged/d' "$R/etc/pam.conf"
lying fits nosuchaccount literal
keeps_out 'does not open' 'does not exist' nosuchaccount try 1234
not_asked
lying fits bob literal
keeps_out 'Authentication failure' 'verdict names account bob' alice try 1234
lying other bob
keeps_out 'Authentication failure' 'verdict names account bob' alice try 1234
lying state 7
keeps_out 'not set up' 'answer' alice try 1234
not_asked
lying escape
keeps_out 'not set up' 'answer' alice try 1234
not_asked
lying early
keeps_out 'not set up' 'certlogin-judge' alice try 1234
not_asked
for lie in short 'outcome 1' 'outcome 255' crash silence; do
	lying "$lie"
	keeps_out 'Error in service' 'certlogin-judge' alice try 1234
done
lying 'outcome 0'
keeps_out 'Authentication failure' 'refused' alice try 1234
lying honest
lets_in alice try 1234
