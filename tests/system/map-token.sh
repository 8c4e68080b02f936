#!/bin/bash
# certlogin-map test --token walks from the driver to the account and says at
# each step what was found; with a PIN it makes a real signature.
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

# walk STATUS ARGUMENT…
walk()
{
	local status=$1

	shift
	rc=0
	certlogin-map test --token --conf "$R/etc/pam.conf" "$@" \
	    >"$R/out" 2>"$R/err" || rc=$?
	[ $rc -eq "$status" ] ||
	    give_up "test --token $* (exit $rc): $(cat "$R/out")"
}

# says REGEX…: in this order
says()
{
	local text

	text=$(cat "$R/out" "$R/err")
	for regex in "$@"; do
		grep -qE -- "$regex" <<<"$text" ||
		    give_up "no '$regex' (in this order) in: $(cat "$R/out")"
		text=$(sed -nE "\\~$regex~,\$p" <<<"$text")
	done
}

pam_make
(umask 077 && echo 1234 >"$R/pin" && echo 9999 >"$R/wrong")
card_of alice

echo "each step in order"
walk 0 --account alice --service su
says '^module +.*softhsm' '^service +su' '^local +yes' '^driver +loaded' \
    '^cards +1 certificate' '^card +card' '^object +cert' '^PIN +needed' \
    '^allowed: account alice' '^  identity +user uri=' '^  rule .*:2: '
! grep -q '^signature' "$R/out" || give_up "a signature without a PIN"

echo "with a PIN, a real signature"
walk 0 --account alice --pin-file "$R/pin"
says '^allowed' '^signature +holds: account alice'
walk 1 --account alice --pin-file "$R/wrong"
says '^signature +none: wrong PIN'
chmod 0644 "$R/pin"
walk 3 --account alice --pin-file "$R/pin"
says 'can be read by others'
chmod 0600 "$R/pin"

echo "as JSON"
# json PYTHON: v is what the last walk printed
json()
{
	python3 -c "
import json, sys
v = json.load(open(sys.argv[1]))
assert $1, v" "$R/out" || give_up "not $1"
}
walk 0 --account alice --pin-file "$R/pin" --json
json 'v["driver"] == "loaded" and v["local"] == "yes"'
json 'len(v["certificates"]) == 1'
json 'v["certificates"][0]["pin"].startswith("needed")'
json 'v["certificates"][0]["test"]["allowed"]'
json 'v["certificates"][0]["test"]["account"] == "alice"'
json 'v["certificates"][0]["signature"].startswith("holds")'
walk 1 --account bob --pin-file "$R/pin" --json
json 'not v["certificates"][0]["test"]["allowed"]'
json '"signature" not in v["certificates"][0]'
walk 3 --module /nonexistent/driver.so --json
json '"/nonexistent/driver.so" in v["error"] and "certificates" not in v'
mv "$R/etc/identity.map" "$R/etc/away.map"
walk 3 --account alice --json
json 'v["certificates"][0]["card"] == "card"'
mv "$R/etc/away.map" "$R/etc/identity.map"

echo "the certificate of one, the key of another"
card_pull
card_new card
card_put card "$R/bob/bob.key" "$R/alice/alice.crt"
walk 1 --account alice --pin-file "$R/pin"
says '^allowed' '^signature +refused: signature of user'

echo "why not"
card_of alice
walk 1 --account carol
says '^refused: ' 'map: other-account'
lab_realm
lab_issue "$R/lab" old from=20200101000000Z to=20210101000000Z
card_of old
walk 1 --account alice
says '^refused: ' 'validity \(RFC 5280 4\.1\.2\.5\)'
card_pull
walk 1
says '^driver' '^cards +0 certificates'

echo "what is not set up"
walk 3 --module /nonexistent/driver.so
says '/nonexistent/driver.so'
set_pam p11-user nosuchuser
walk 3
says 'user nosuchuser does not exist; make it with'
set_pam p11-user $P11_USER
set_pam trust "$R/etc/none.conf"
card_of alice
walk 3
says 'none.conf'
walk 2 --from 192.0.2.1
walk 2 --cert "$R/alice/alice.crt"
