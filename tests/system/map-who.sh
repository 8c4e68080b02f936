#!/bin/bash
# certlogin-map who names every rule that reaches an account, captures
# included, and what denies and locks take from it; list shows what concerns
# an account, an identity or an authority.
# also-in: sanitizers
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

MAP=$R/etc/identity.map
LOCKS=$R/state/locks.map
A="uri=spiffe://$REALM/user"

map()
{
	certlogin-map --map "$MAP" --trust "$R/etc/trust.conf" "$@"
}

# run STATUS ARGUMENT…: output in $R/out
run()
{
	local want=$1 rc=0

	shift
	map "$@" >"$R/out" 2>&1 || rc=$?
	[ "$rc" -eq "$want" ] ||
	    give_up "$*: exit $rc, not $want: $(cat "$R/out")"
}

who()
{
	local want=$1

	shift
	run "$want" who --state-dir "$R/state" "$@"
}

# lines NUMBER…: the rules shown, in this order
lines()
{
	local got

	got=$(sed -nE 's/^ {0,5}([0-9]+)  .*/\1/p' "$R/out" | xargs)
	[ "$got" = "$*" ] || give_up "rules $got, not $*: $(cat "$R/out")"
}

# says REGEX…
says()
{
	local regex

	for regex in "$@"; do
		grep -qE -- "$regex" "$R/out" ||
		    give_up "no '$regex' in: $(cat "$R/out")"
	done
}

need_program certlogin-ca certlogin-map
account alice 42001
account bob 42002
account sysacct 642
(umask 077 && echo a-passphrase-of-the-tests >"$R/passphrase")
ca init --realm "$REALM"
ca export --out "$R/etc"
sed -i -E "/^\\[authority user\\]/,/^\$/ \
    s|^names.*|names = $A/*, email=*@corp.example|" "$R/etc/trust.conf"
mkdir -m 0755 "$R/state"
: >"$LOCKS"
cat >"$MAP" <<END
# rules
allow user user $A/alice as alice
allow user user $A/boss as alice,bob service=sudo,login until=2098-12-31

allow user user $A/{name} as {name} no-pty
allow user user email={name}@corp.example as {name}
allow user user email={name}@elsewhere.example as {name}
allow device device uri=spiffe://$REALM/device/{name} as {name}
allow user user $A/old as alice until=2020-01-01
allow user user $A/admin as root
allow user user $A/daemon as sysacct
deny user user $A/alice service=su
deny user user email=*@corp.example serial=01
deny user user email=BOB@corp.example
deny user user $A/mallory
deny device device uri=spiffe://$REALM/device/alice
END

echo "rules that reach an account"
who 0 alice
lines 2 3 5 6 8 9
says '^alice: uid 42001$' 'reaches +by its name$' 'reaches +by a capture$' \
    'services +sudo, login$' 'services +any$' 'services +certlogind$' \
    'until +2099-01-01T00:00:00Z$' 'limits +no-pty$' \
    'but not +its until= is past$' '^4 rules of .* reach alice$' \
    'denied +in part by .*identity.map:12: deny user user .* service=su$' \
    'denied +whole by .*identity.map:16: ' \
    'besides +3 denies of authority user by other fields'
who 0 bob
lines 3 5 6 8
says 'but not +.*identity.map:14 denies all of it' \
    '^3 rules of .* reach bob$'
! grep -q mallory "$R/out" || give_up "a deny of somebody else"

echo "as JSON"
who 0 alice --json
python3 - "$R/out" <<'END'
import json, sys
v = json.load(open(sys.argv[1]))
assert v["account"] == "alice" and v["known"] and v["uid"] == 42001, v
rules = {r["line"]: r for r in v["rules"]}
assert list(rules) == [2, 3, 5, 6, 8, 9], rules
assert [l for l in rules if rules[l]["captured"]] == [5, 6, 8], rules
assert [l for l in rules if rules[l]["reaches"]] == [2, 3, 5, 6], rules
assert rules[3]["service"] == ["sudo", "login"], rules
assert rules[9]["why_not"] == "its until= is past", rules
assert [(d["line"], d["whole"]) for d in rules[2]["denied_by"]] == \
    [(12, False)], rules
assert [(d["line"], d["whole"]) for d in rules[8]["denied_by"]] == \
    [(16, True)], rules
assert rules[6]["denied_by"] == [] and \
    rules[6]["denies_by_other_fields"] == 3, rules
END

echo "the uid rule"
who 1 root
lines 10
says 'but not +.*privileged-accounts' '^0 rules'
who 0 root --privileged sysacct,root
lines 10
says '^1 rule of .* reaches root$'
# a capture never reaches what is privileged
who 0 sysacct --privileged sysacct
lines 11
who 1 nosuch
says '^nosuch: not known on this host$' '^0 rules'
lines
sed -i 's/as root/as root,nosuch/' "$MAP"
who 1 nosuch
lines 10
says 'but not +the account is not known'

echo "locks count"
echo "deny user user $A/alice" >"$LOCKS"
who 0 alice
says 'locked +whole by .*locks.map:1: deny' '^2 rules of .* reach alice$'
echo "nonsense" >"$LOCKS"
who 1 alice
says 'locks.map:1:1: error'
rm "$LOCKS"
who 3 alice
says 'locks.map does not exist.*nobody gets in'
run 2 who
says 'expected one argument, the account'

echo "list by account"
run 0 list --account alice
lines 2 3 5 6 8 9 12 16
run 0 list --account bob
lines 3 5 6 8 14
run 0 list --account nobody-named-so
lines 5 6 8
run 0 list --account 'Not_captured'
lines
run 0 list --account 'Not_captured' --json
[ "$(cat "$R/out")" = '[]' ] || give_up "not an empty list"

echo "list by identity"
run 0 list --identity "user $A/alice"
lines 2 5 12
run 0 list --identity 'user email=Bob@corp.example'
lines 6 13 14
run 0 list --identity 'user serial=0001'
lines 13
run 0 list --identity "device uri=spiffe://$REALM/device/alice"
lines 8 16
run 0 list --identity "user $A/nobody" --json
python3 - "$R/out" <<'END'
import json, sys
assert [r["line"] for r in json.load(open(sys.argv[1]))] == [5]
END
for wrong in "$A/alice" "user" "user uri" "user cn=alice" "staff $A/alice" \
    "user $A/*" "user $A/{name}" "user serial=x" "user serial=01
deny user user serial=02"; do
	run 2 list --identity "$wrong"
	says "--identity '" 'expected|no authority'
done

echo "list by authority"
run 0 list --authority device
lines 8 16
run 2 list --authority staff
says 'has no such authority'
run 2 list --authority device --account alice
says 'expected one of --account, --identity and --authority'
