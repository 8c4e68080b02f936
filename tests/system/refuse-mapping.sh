#!/bin/bash
# A trusted certificate opens the accounts that the map gives, no other; a
# capture reaches neither root nor a system account.
# also-in: no-sandbox sanitizers
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/lab.sh
. "$SRC/tests/lib/lab.sh"

# the reference number that the client was given, and the story behind it
why_says()
{
	local number

	number=$(sed -n 's/.*reference \([0-9]*\).*/\1/p' "$R/err" | head -n 1)
	[ -n "$number" ] || give_up "no reference number"
	control why "$number" >"$R/why" ||
	    give_up "certloginctl why $number: exit $?"
	grep -qE -- "$1" "$R/why" ||
	    give_up "why does not say '$1': $(cat "$R/why")"
}

realm_make
lab_realm
for name in root sysacct carol nobody-known; do
	lab_issue "$R/lab" "lab-$name" \
	    "subjectAltName=URI:spiffe://lab.example/user/$name"
done
daemon_start

echo "unmapped"
refused carol carol 'not mapped|no rule|no account' 'no rule'
why_says 'no rule'
admitted alice alice

echo "another account"
refused alice carol 'not' 'no rule'
why_says carol
admitted bob alice
admitted bob bob

echo "an account that does not exist gives the same answer"
refused alice nosuchaccount 'not' 'no rule'
refused alice carol 'not' 'no rule'
cp "$R/err" "$R/err.carol"
strip='s/reference [0-9]*//; s/carol|nosuchaccount/ACCOUNT/g'
client alice nosuchaccount@localhost id </dev/null
[ "$(sed -E "$strip" "$R/err")" = "$(sed -E "$strip" "$R/err.carol")" ] ||
    give_up "the answer tells whether an account exists"

echo "root and a system account by capture"
refused lab-root root 'not|refus' 'root|uid'
refused lab-sysacct sysacct 'not|refus' 'uid'
admitted lab-carol carol

echo "a mapped account that is not there"
refused lab-nobody-known nobody-known 'not|refus' 'account'

echo "several accounts and none named"
client bob localhost id -un </dev/null
refusal_seen 'alice|bob' ''
grep -q alice "$R/err" && grep -q bob "$R/err" ||
    give_up "the accounts to choose from are not listed"
client alice localhost id -un </dev/null
[ "$rc" -eq 0 ] && [ "$(cat "$R/out")" = alice ] ||
    give_up "the only account was not chosen"
