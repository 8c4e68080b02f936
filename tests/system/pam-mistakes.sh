#!/bin/bash
# Each mistake in the setup is one clear line of the log; the person sees that
# the system is not set up, is asked for nothing, and gets no "wrong PIN".
# also-in: no-sandbox sanitizers
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

# mistaken WHAT LOG [ARGUMENT…]: with these arguments of the module
mistaken()
{
	local what=$1 log=$2 lines

	shift 2
	echo "$what"
	service mistaken "$@"
	keeps_out 'not set up on this machine' "not set up: $log" alice \
	    mistaken 1234
	not_asked
	! grep -qi 'wrong pin' "$R/err" || give_up "the person sees a wrong PIN"
	lines=$(log_since | grep -cv ': authenticate: ')
	[ "$lines" -eq 1 ] || give_up "$lines lines in the log"
}

# with FILE WHAT LOG COMMAND…: FILE of $R/etc changed by the command meanwhile
with()
{
	local file=$1 what=$2 log=$3

	shift 3
	cp -a "$R/etc/$file" "$R/kept"
	"$@" "$R/etc/$file"
	mistaken "$what" "$log"
	rm -rf "${R:?}/etc/$file"
	mv "$R/kept" "$R/etc/$file"
}

damage()
{
	echo 'nonsense' >>"$1"
}

pam_make
TRY=(authenticate)
card_of alice
lets_in alice try 1234

with identity.map "no map" '.*identity\.map does not exist' rm
with identity.map "a map that others may write" '.*identity\.map.*written' \
    chmod 0666
with identity.map "a map with an error" '.*identity\.map:5:' damage
with trust.conf "no trust.conf" '.*trust\.conf does not exist' rm
with trust.conf "a trust.conf of somebody else" \
    '.*trust\.conf.*belongs to uid 42002' chown 42002
with trust.conf "a trust.conf with an error" '.*trust\.conf:[0-9]*:' damage
with ca/user.crt "no anchor" '.*ca/user\.crt' rm
with ca/user.crt "an anchor that is none" '.*ca/user\.crt' cp /etc/hostname
mistaken "no driver" 'module /nonexistent\.so' \
    module=/nonexistent.so
mistaken "no user for the card" 'user nosuchuser does not exist; make it with' \
    p11-user=nosuchuser
mistaken "no user for the judge" 'user nosuchuser does not exist; make it' \
    judge-user=nosuchuser
mistaken "root for the judge" 'user root is root' judge-user=root
mistaken "an unknown option" '.*no-such-option' no-such-option=1

echo "control: as it was"
lets_in alice try 1234
