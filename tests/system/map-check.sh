#!/bin/bash
# certlogin-map check: errors with their place and what was expected, and
# warnings of rules and authorities that are not what they seem.
# also-in: sanitizers
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

MAP=$R/etc/identity.map
TRUST=$R/etc/trust.conf
A="uri=spiffe://$REALM/user"

# check STATUS REGEX [OPTION…]
check()
{
	local want=$1 regex=$2 rc=0

	shift 2
	certlogin-map --map "$MAP" --trust "$TRUST" check "$@" \
	    >"$R/out" 2>&1 || rc=$?
	[ "$rc" -eq "$want" ] || give_up "exit $rc, not $want: $(cat "$R/out")"
	grep -qE -- "$regex" "$R/out" ||
	    give_up "does not say '$regex': $(cat "$R/out")"
}

# rules REGEX RULE…: a map of these rules, with one warning
rules()
{
	local regex=$1

	shift
	printf '%s\n' "$@" >"$MAP"
	check 0 "$regex"
	check 0 ' 0 errors, 1 warnings$'
	check 1 "$regex" --strict
}

need_program certlogin-ca certlogin-map
account alice 42001
account bob 42002
account sysacct 642
(umask 077 && echo a-passphrase-of-the-tests >"$R/passphrase")
ca init --realm "$REALM"
ca export --out "$R/etc"

echo "nothing wrong"
printf '# mine\nallow user user %s/alice as alice\n' "$A" >"$MAP"
check 0 '^1 rules, 0 errors, 0 warnings$'
check 0 '^1 rules, 0 errors, 0 warnings$' --strict
check 0 '^\[\]$' --json

echo "errors of the map"
printf 'allow user user %s/alice as alice\nallow user user as bob\n' "$A" \
    >"$MAP"
check 1 'identity.map:2:17: error: .*expected'
printf 'allow user user %s/../x as alice\n' "$A" >"$MAP"
check 1 'identity.map:1:[0-9]+: error: .*expected'
printf 'allow user staff %s/alice as alice\n' "$A" >"$MAP"
check 1 "identity.map:1:12: error: 'staff' is no authority"
printf 'allow device user %s/alice as alice\n' "$A" >"$MAP"
check 1 'identity.map:1:[0-9]+: error'
check 1 '"level":"error","file":".*identity.map","line":1' --json
python3 -m json.tool <"$R/out" >/dev/null || give_up "no JSON"

echo "errors of trust.conf and its files"
printf 'allow user user %s/alice as alice\n' "$A" >"$MAP"
cp "$TRUST" "$R/trust.good"
sed '0,/^class/s/^class.*/class = usr/' "$R/trust.good" >"$TRUST"
check 1 'trust.conf:[0-9]+:[0-9]+: error: .*expected'
sed '0,/^anchor/s/^anchor.*/anchor = ca\/none.crt/' "$R/trust.good" >"$TRUST"
check 1 'trust.conf:[0-9]+:[0-9]+: error: .*none.crt'
cp "$R/trust.good" "$TRUST"
mv "$R/etc/ca/user.crt" "$R/user.crt"
cp "$MAP" "$R/etc/ca/user.crt"
check 1 'trust.conf:[0-9]+:[0-9]+: error'
mv "$R/user.crt" "$R/etc/ca/user.crt"
check 0 ' 0 errors, 0 warnings'

echo "warnings of trust.conf"
sed '0,/^names/{/^names/d}' "$R/trust.good" >"$TRUST"
check 0 'trust.conf:.*: warning: .*names'
cp "$R/trust.good" "$TRUST"
mv "$R/etc/crl/user.crl" "$R/user.crl"
check 0 'trust.conf:.*: warning: .*crl/user.crl'
mv "$R/user.crl" "$R/etc/crl/user.crl"

echo "warnings of rules"
rules 'identity.map:1:1: warning: never matches any more' \
    "allow user user $A/alice as alice until=2020-01-31"
rules 'identity.map:2:1: warning: never matches: line 1 denies' \
    "deny user user $A/*" "allow user user $A/alice as alice"
rules 'identity.map:1:1: warning: never matches: line 2 denies' \
    "allow user user $A/alice as alice" "deny user user $A/*"
rules 'never matches: names= of authority user' \
    'allow user user uri=spiffe://elsewhere.example/user/alice as alice'
rules 'never matches: at a PAM service' \
    "allow user user $A/alice as alice service=sudo from=192.0.2.0/24"
rules 'identity.map:2:1: warning: is hidden by line 1' \
    "allow user user $A/* as alice" "allow user user $A/alice as alice"
rules 'reaches root' "allow user user $A/alice as root"
rules 'reaches a system account: sysacct has uid 642' \
    "allow user user $A/alice as alice,sysacct"
rules 'account nosuch is not known' "allow user user $A/alice as nosuch"

rules 'ends soon: until=' \
    "allow user user $A/alice as alice until=$(date -u -d '9 days' +%F)"
rules 'serial= is weaker than uri=, and names= of authority user' \
    'allow user user serial=01 as alice'
rules 'identity.map:2:1: warning: is not needed: line 1' \
    'deny user user serial=01' 'deny user user serial=01'

echo "a rule that a deny cuts is a note, which --strict leaves alone"
printf '%s\n' "allow user user $A/{name} as {name}" "deny user user $A/bob" \
    >"$MAP"
check 0 'identity.map:1:1: note: line 2 denies some' --strict
check 0 '^2 rules, 0 errors, 0 warnings, 1 notes$'
check 0 '"level":"note",.*"line":1,' --json

echo "what cannot be read"
MAP=$R/etc/none.map
check 3 'none.map does not exist'
MAP=$R/etc/identity.map
TRUST=$R/etc/none.conf
check 3 'none.conf does not exist'
