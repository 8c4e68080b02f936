#!/bin/bash
# A captured certlogin-judge: what it says is believed for ordinary accounts
# and those in privileged-accounts only, and for the account that was asked
# for; anything but a verdict is a refusal.
# also-in: no-sandbox sanitizers
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/liars.sh
. "$SRC/tests/lib/liars.sh"

# nobody learns more than that the login did not work
NO_ACCOUNT='this certificate may not log in to that account now'
NOT_NOW='login is not possible now; tell the administrator'

# judge_says LIE ASKED CLIENT LOG
judge_says()
{
	echo "says '$1' where ${2:-nobody} is asked for"
	lie "$1"
	caught alice "$2" "$3" "$4"
	nothing_happened "${2:-root}"
}

realm_make
liar_make judge lyingjudge
daemon_start
admitted alice alice

lie 'admit bob literal'
admitted alice bob
echo "(an ordinary account is what a captured judge can give)"

judge_says 'admit root literal' root "$NO_ACCOUNT" \
    'account root has uid 0, outside [0-9.]+, and is not in privileged'
judge_says 'admit root literal' alice "$NO_ACCOUNT" \
    'verdict names account root, asked for was alice'
judge_says 'admit bob literal' alice "$NO_ACCOUNT" \
    'verdict names account bob, asked for was alice'
judge_says 'admit nosuchaccount literal' nosuchaccount "$NO_ACCOUNT" \
    'account nosuchaccount does not exist'
judge_says 'admit sysacct literal' sysacct "$NO_ACCOUNT" \
    'account sysacct has uid 642, outside .* not in privileged-accounts'
judge_says 'admit sysacct captured' sysacct "$NO_ACCOUNT" \
    'account sysacct has uid 642, outside .* not in privileged-accounts'
judge_says old alice "$NOT_NOW" \
    'did not register the session: the policy changed again and again'
judge_says nobody alice "$NO_ACCOUNT" 'verdict without an account'

echo "no account asked for, and root given"
lie 'admit root literal'
client alice localhost id -un </dev/null
refusal_seen "$NO_ACCOUNT" 'account root has uid 0'
nothing_happened alice

judge_says 'outcome 0' alice "$NOT_NOW" 'judge: a refusal without a reason'
judge_says 'outcome 1' alice "$NOT_NOW" 'judge: malformed'
judge_says 'outcome 255' alice "$NOT_NOW" 'judge: malformed'
judge_says type alice "$NOT_NOW" 'judge: unexpected'
judge_says short alice "$NOT_NOW" 'judge: message ends too early'
judge_says version alice "$NOT_NOW" 'judge: .*version'
lie crash
caught alice alice "$NOT_NOW" 'judge: closed by the other side'
wait_log 'certlogin-judge ended by signal 6' ||
    give_up "the log does not tell of the crash"
nothing_happened alice
judge_says silence alice "$NOT_NOW" 'judge: no verdict within 10 s'

echo "an account in privileged-accounts, by a rule that names it or captures"
set_conf privileged-accounts sysacct
daemon_reload
lie 'admit sysacct captured'
caught alice sysacct "$NO_ACCOUNT" 'account sysacct is privileged; a rule must'
lie 'admit sysacct literal'
admitted alice sysacct
echo "(as documented: a captured judge can give those too)"
judge_says 'admit root literal' root "$NO_ACCOUNT" 'account root has uid 0'
