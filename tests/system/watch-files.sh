#!/bin/bash
# Each kind of file that certlogind goes by counts within 2 s of its change,
# renamed into place or written in place, without a signal.
# also-in: no-sandbox
# limit: 180
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

MAX_MS=2000

now_ms()
{
	date +%s%3N
}

# counts WHAT LOG COMMAND…: run the command, then it must be in the log in time
counts()
{
	local what=$1 log=$2 start ms

	shift 2
	log_mark
	"$@"
	start=$(now_ms)
	wait_log "$log" || give_up "$what: no line '$log'"
	ms=$(($(now_ms) - start))
	echo "$what: $ms ms"
	[ "$ms" -le $MAX_MS ] || give_up "$what counted after $ms ms"
}

# renamed FILE, written FILE: standard input becomes the file, either way
renamed()
{
	cat >"$1.new"
	mv "$1.new" "$1"
}

written()
{
	cat >"$1"
}

# put WAY FILE SED [FROM]: FILE becomes FROM, edited
put()
{
	sed "$3" "${4:-$R/good/${2##*/}}" | "$1" "$2"
}

# both FILE SED CLIENT LOG: alice is refused by the file edited so, and let in
# again by the one that was there before
both()
{
	local way

	for way in renamed written; do
		counts "${1##*/}, $way" 'policy loaded' put "$way" "$1" "$2"
		refused alice alice "$3" "$4"
		counts "${1##*/} as before, $way" 'policy loaded' \
		    put "$way" "$1" ''
		admitted alice alice
	done
}

realm_make
mkdir "$R/good"
echo "# nobody is locked" >"$R/state/locks.map"
daemon_start
admitted alice alice
cp "$R/etc/trust.conf" "$R/etc/identity.map" "$R/etc/ca/user.crt" \
    "$R/etc/crl/user.crl" "$R/state/locks.map" "$R/good"
certlogin-ca --dir "$R/other-ca" --passphrase-file "$R/passphrase" init \
    --realm "$REALM" >>"$R/ca.out"
certlogin-ca --dir "$R/other-ca" --passphrase-file "$R/passphrase" export \
    --out "$R/other" >>"$R/ca.out"

both "$R/etc/identity.map" '/user.alice /d' '' 'no rule'
both "$R/etc/trust.conf" "s|$REALM/user/|other.example/user/|" '' 'names'
both "$R/state/locks.map" \
    "s|^# nobody.*|deny user user uri=spiffe://$REALM/user/alice|" '' 'lock'

echo "another anchor"
sed -i '0,/^revocation.*/s//revocation = none/' "$R/good/trust.conf"
counts 'without revocation' 'policy loaded' \
    put renamed "$R/etc/trust.conf" ''
admitted alice alice
for way in renamed written; do
	counts "anchor, $way" 'policy loaded' \
	    put "$way" "$R/etc/ca/user.crt" '' "$R/other/ca/user.crt"
	refused alice alice '' 'anchor|CA'
	counts "anchor as before, $way" 'policy loaded' \
	    put "$way" "$R/etc/ca/user.crt" ''
	admitted alice alice
done
sed -i '0,/^revocation.*/s//revocation = require/' "$R/good/trust.conf"
counts 'with revocation' 'policy loaded' put renamed "$R/etc/trust.conf" ''

# a CRL does not go back: two people leave, one each way
for who in alice:renamed bob:written; do
	name=${who%:*}
	admitted "$name" "$name"
	ca revoke --id "user/$name"
	ca export --out "$R/export"
	counts "CRL, ${who#*:}" 'policy loaded' \
	    put "${who#*:}" "$R/etc/crl/user.crl" '' "$R/export/crl/user.crl"
	refused "$name" "$name" revoked revoked
done

echo "certlogin-ca export: all that changed is one load"
ca revoke --id user/carol
log_mark
ca export --out "$R/etc"
wait_log 'policy loaded' || give_up "the export was not noticed"
admitted meter ingest
[ "$(grep -c 'policy loaded' <(log_since))" -le 1 ] ||
    give_up "loaded $(grep -c 'policy loaded' <(log_since)) times"

echo "what lies beside, and a file that is only read, cause nothing"
log_mark
echo x >"$R/etc/identity.map.bak"
echo x >"$R/etc/crl/beside.crl"
cat "$R/etc/identity.map" >/dev/null
rm "$R/etc/identity.map.bak"
admitted meter ingest
! log_has 'policy loaded' || give_up "loaded for nothing"
counts 'the control' 'policy loaded' put renamed "$R/etc/identity.map" ''
