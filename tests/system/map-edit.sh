#!/bin/bash
# Rules are added, removed and listed; comments, order, mode and owner stay,
# and what is no rule, or not in context, changes nothing.
# also-in: sanitizers
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

MAP=$R/etc/identity.map
A="uri=spiffe://$REALM/user"

map()
{
	certlogin-map --map "$MAP" --trust "${TRUST:-$R/etc/trust.conf}" "$@"
}

# says STATUS REGEX ARGUMENT…: exit status, and what it says
says()
{
	local want=$1 regex=$2 rc=0

	shift 2
	map "$@" >"$R/out" 2>&1 || rc=$?
	[ "$rc" -eq "$want" ] ||
	    give_up "$*: exit $rc, not $want: $(cat "$R/out")"
	grep -qE -- "$regex" "$R/out" ||
	    give_up "$* does not say '$regex': $(cat "$R/out")"
}

# unchanged COMMAND…: the map stays as it is, byte for byte, nothing beside it
unchanged()
{
	cp -p "$MAP" "$R/before"
	"$@"
	cmp -s "$MAP" "$R/before" || give_up "$*: the map was changed"
	[ "$(stat -c '%a %u:%g' "$MAP")" = "$(stat -c '%a %u:%g' \
	    "$R/before")" ] || give_up "$*: mode or owner changed"
	[ -z "$(find "$R/etc" -name '.identity.map*')" ] ||
	    give_up "$*: something is left beside the map"
}

need_program certlogin-ca certlogin-map
account alice 42001
account bob 42002
(umask 077 && echo a-passphrase-of-the-tests >"$R/passphrase")
ca init --realm "$REALM"
ca export --out "$R/etc"

echo "a map that is not there is made"
says 0 'added as line 1' add "allow user user $A/alice as alice"
[ "$(stat -c %a "$MAP")" = 644 ] || give_up "mode of a new map"

echo "comments, order, mode and owner stay"
printf '# first\n\nallow user user %s/bob as bob\n  # last' "$A" >"$MAP"
chmod 0640 "$MAP"
chown 0:42001 "$MAP"
says 0 'added as line 5' add "  deny user user serial=0a:0b "
[ "$(stat -c '%a %u:%g' "$MAP")" = '640 0:42001' ] || give_up "mode, owner"
printf '# first\n\nallow user user %s/bob as bob\n  # last\n%s\n' "$A" \
    'deny user user serial=0a:0b' | cmp -s - "$MAP" || give_up "not as written"
says 0 '^ +5 +deny user user serial=0a:0b$' list
map list --json | python3 -c '
import json, sys
rules = json.load(sys.stdin)
assert [r["line"] for r in rules] == [3, 5], rules
assert rules[0]["as"] == ["bob"] and rules[0]["action"] == "allow", rules
assert rules[1]["action"] == "deny" and "as" not in rules[1], rules
'

echo "what is no rule, or not in context, changes nothing"
unchanged says 1 '^rule:1:12: error: .nobody. is no authority' \
    add "allow user nobody $A/x as x"
unchanged says 1 '^rule:1:[0-9]+: error: ' add 'allow user user as x'
unchanged says 1 '^rule:1:[0-9]+: error: ' add "allow device user $A/x as x"
unchanged says 2 'one rule' add '# a comment'
unchanged says 2 'one rule' add ''
unchanged says 2 'one rule' add "allow user user $A/x as x
allow user user $A/y as y"
unchanged says 2 'one argument' add allow user user "$A/x" as x
unchanged says 2 'one argument' add
unchanged says 1 'there already, in line 3' add "allow user user $A/bob as bob"

echo "--dry-run says what would change, and changes nothing"
unchanged says 0 '^\+     6  deny user user serial=0c$' add --dry-run \
    'deny user user serial=0c'
unchanged says 0 '^nothing was changed$' add --dry-run \
    'deny user user serial=0c'
unchanged says 0 '^-     3  allow user user .*/bob as bob$' remove --dry-run \
    "allow user user $A/bob as bob"
unchanged says 0 'reaches root' add --dry-run "allow user user $A/x as root"
unchanged says 1 'no line' remove --dry-run 'deny user user serial=0c'
unchanged says 1 '^rule:1:' add --dry-run 'allow user nobody serial=01 as x'
unchanged says 2 'list does not take --dry-run' list --dry-run

echo "without certlogind there is nothing to count"
unchanged says 0 '^no certlogind runs here: no live sessions to count$' \
    add --dry-run 'deny user user serial=0c'

echo "remove wants exactly the rule"
unchanged says 1 'no line' remove "allow user user $A/bob as bobby"
unchanged says 1 'line 5 is not the expected' \
    remove --line 5 --expect 'deny user user serial=0a:0c'
unchanged says 1 'not the expected' remove --line 99 --expect 'deny x'
unchanged says 2 'go together' remove --line 5
unchanged says 2 'go together' remove --expect 'deny'
unchanged says 2 'line 0' remove --line 0 --expect 'deny'
unchanged says 2 'expected a rule' remove '# first'
says 0 'removed line 3' remove " allow user user $A/bob as bob"
says 0 'removed line 4' remove --line 4 --expect 'deny user user serial=0a:0b'
printf '# first\n\n  # last\n' | cmp -s - "$MAP" || give_up "not as written"
printf '%s\n%s\n' "deny user user serial=01" "deny user user serial=01" >"$MAP"
unchanged says 1 '2 lines are this rule' remove 'deny user user serial=01'
says 0 'removed line 2' remove --line 2 --expect 'deny user user serial=01'
says 0 'removed line 1' remove 'deny user user serial=01'
[ ! -s "$MAP" ] || give_up "the map is not empty"

echo "an option given twice is a mistake, whatever it says"
unchanged says 0 'nothing was changed' add --dry-run --yes 'deny user user serial=01'
unchanged says 2 '--yes is given twice' add --dry-run --yes --yes \
    'deny user user serial=01'
unchanged says 2 '--map is given twice' --map "$MAP" add --dry-run --yes \
    'deny user user serial=01'

echo "what a terminal would obey is shown, not sent"
ODD=$(printf 'a\033[31mb')
printf '# first\n# \033]0;x\007 \303\251 "\\"\n' >"$MAP"
unchanged says 1 'it is: # first$' remove --line 1 --expect 'deny x'
unchanged says 1 'it is: # \\x1b\]0;x\\x07 \\xc3\\xa9 "\\x5c"$' \
    remove --line 2 --expect 'deny x'
MAP=$R/etc/ab says 3 '/ab does not exist ' list
MAP=$R/etc/$ODD says 3 '/a\\x1b\[31mb does not exist ' list
TRUST=$R/etc/$ODD unchanged says 3 '/a\\x1b\[31mb does not exist ' \
    add 'deny user user serial=01'
unchanged says 2 '^certlogin-map: .*\\x1b\[31m.*; see certlogin-map --help$' \
    "$ODD"

echo "a map with errors is not edited, and the lines are named"
printf 'deny user user serial=01\nnonsense\n' >"$MAP"
unchanged says 1 'identity.map:2:1: error' add 'deny user user serial=02'
unchanged says 1 'identity.map:2:1: error' list
printf 'deny user user serial=01\n' >"$MAP"

echo "a warning is said, and the rule added"
says 0 'reaches root' add "allow user user $A/alice as root"
says 0 'never matches' add "allow user user serial=02 as alice until=2020-01-01"
says 0 'is hidden by line 2' add "allow user user $A/alice as root no-pty"

echo "unsafe files are not touched"
mv "$MAP" "$R/etc/real.map"
ln -s real.map "$MAP"
says 3 'symbolic link' add 'deny user user serial=03'
says 3 'symbolic link' list
rm "$MAP"
mv "$R/etc/real.map" "$MAP"
chmod 0664 "$MAP"
unchanged says 3 'written by others' add 'deny user user serial=03'
chmod 0644 "$MAP"
chown 42001 "$MAP"
unchanged says 3 'belongs to uid 42001' add 'deny user user serial=03'
chown 0 "$MAP"
says 0 'added' add 'deny user user serial=03'

echo "an ordinary user edits files of its own"
mkdir -m 0755 "$R/own"
cp -r "$R/etc/ca" "$R/etc/crl" "$R/etc/trust.conf" "$R/own"
chown -R 42001:42001 "$R/own"
chmod 0755 "$R"
setpriv --reuid 42001 --regid 42001 --clear-groups certlogin-map \
    --map "$R/own/identity.map" --trust "$R/own/trust.conf" \
    add 'deny user user serial=04' >/dev/null || give_up "as a user"
[ "$(stat -c %u "$R/own/identity.map")" = 42001 ] || give_up "owner"

echo "twenty at once"
: >"$MAP"
pids=()
for i in $(seq 20); do
	map add "deny user user serial=$(printf %02x "$i")" >/dev/null &
	pids+=($!)
done
for pid in "${pids[@]}"; do
	wait "$pid" || give_up "one of twenty failed"
done
[ "$(map list | wc -l)" -eq 20 ] || give_up "a rule was lost"
pids=()
for i in $(seq 20); do
	map remove "deny user user serial=$(printf %02x "$i")" >/dev/null &
	pids+=($!)
done
for pid in "${pids[@]}"; do
	wait "$pid" || give_up "one of twenty failed"
done
[ ! -s "$MAP" ] || give_up "a rule is left"
