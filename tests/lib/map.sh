# shellcheck shell=bash disable=SC2034
# A realm's trust and a map that is changed by certlogin-map, for system
# tests.  Source it and call map_make.
#
#	$MAP		the map; $A is what its rules' users begin with
#	$R/editor	an editor: runs $R/edits with the file as $1

# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

MAP=$R/etc/identity.map
A="uri=spiffe://$REALM/user"
export VISUAL=$R/editor

map()
{
	certlogin-map --map "$MAP" --trust "$R/etc/trust.conf" "$@"
}

map_make()
{
	need_program certlogin-ca certlogin-map
	account alice 42001
	account bob 42002
	(umask 077 && echo a-passphrase-of-the-tests >"$R/passphrase")
	ca init --realm "$REALM"
	ca export --out "$R/etc"
	cat >"$R/editor" <<-END
	#!/bin/sh
	exec /bin/sh "$R/edits" "\$@"
	END
	chmod 0755 "$R/editor"
	edits :
}

# edits COMMAND…: what the editor does with the file "$1"
edits()
{
	printf '%s\n' "$@" >"$R/edits"
}

# says STATUS REGEX ARGUMENT…: exit status, and what it says
says()
{
	local want=$1 regex=$2 rc=0

	shift 2
	map "$@" >"$R/out" 2>&1 </dev/null || rc=$?
	[ "$rc" -eq "$want" ] ||
	    give_up "$*: exit $rc, not $want: $(cat "$R/out")"
	grep -qE -- "$regex" "$R/out" ||
	    give_up "$* does not say '$regex': $(cat "$R/out")"
}

# also REGEX: the last one says that, too
also()
{
	grep -qE -- "$1" "$R/out" || give_up "no '$1' in: $(cat "$R/out")"
}

# is TEXT: the map, byte for byte
is()
{
	printf '%s' "$1" | cmp - "$MAP" || give_up "the map is: $(cat "$MAP")"
}

# no_rest: nothing that is half written or a copy is left
no_rest()
{
	local rest

	rest=$(find "$(dirname "$MAP")" "$R" -maxdepth 1 \
	    \( -name '.identity.map*' -o -name 'certlogin-map.*' \))
	[ -z "$rest" ] || give_up "$*: left behind: $rest"
}

# unchanged COMMAND…: the map stays as it is, byte for byte, mode and owner
unchanged()
{
	cp -p "$MAP" "$R/before"
	"$@"
	cmp -s "$MAP" "$R/before" || give_up "$*: the map was changed"
	[ "$(stat -c '%a %u:%g' "$MAP")" = "$(stat -c '%a %u:%g' \
	    "$R/before")" ] || give_up "$*: mode or owner changed"
	no_rest "$*"
}

# typed ANSWERS ARGUMENT…: on a terminal where these lines are typed;
# $rc, and what it shows in $R/out
typed()
{
	local answers=$1

	shift
	rc=0
	printf '%b' "$answers" | script -qec "certlogin-map --map '$MAP' \
	    --trust '$R/etc/trust.conf' $*" "$R/typescript" >"$R/out" 2>&1 ||
	    rc=$?
}
