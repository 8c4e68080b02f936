#!/bin/bash
# certlogin-map add --from-cert and --from-token write the strong rule for a
# certificate in hand: shown first, asked for, and never for a certificate
# that would let nobody in.
# limit: 300
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"
# shellcheck source=tests/lib/map.sh
. "$SRC/tests/lib/map.sh"

pam_make
lab_realm
# an authority that says nothing of names
lab_ca "$R/open" "/CN=Open users"
lab_crl "$R/open" "$R/etc/crl/open.crl"
cp "$R/open/ca.crt" "$R/etc/ca/open.crt"
cat >>"$R/etc/trust.conf" <<'END'

[authority open]
class      = user
anchor     = ca/open.crt
revocation = require
crl        = crl/open.crl
END
OLD="# mine
"
printf '%s' "$OLD" >"$MAP"
ALICE="allow user user $A/alice as alice"

# key_of WHO: the SHA-256 of its public key
key_of()
{
	openssl x509 -in "$R/$1/$1.crt" -noout -pubkey |
	    openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1
}

# none STATUS REGEX ARGUMENT…: refused, and the map as it was
none()
{
	unchanged says "$1" "$2" add --account alice "${@:3}"
}

# from WHO REGEX [ARGUMENT…]: the rule that is written for WHO's certificate,
# for $AS where there are several
from()
{
	local who=$1 regex=$2

	shift 2
	printf '%s' "$OLD" >"$MAP"
	says 0 "added as line 2" add --from-cert "$R/$who/$who.crt" \
	    --account "${AS:-$who}" --yes "$@"
	sed -n 2p "$MAP" | grep -qxE -- "$regex" ||
	    give_up "$who: $(sed -n 2p "$MAP"), not $regex"
}

echo "shown first, and not without a yes"
none 1 '^allow user user uri=.*/alice as alice$' \
    --from-cert "$R/alice/alice.crt"
also '  subject +CN=alice'
also 'by its URI, which outlives a renewal'
also "^\+     2  $ALICE\$"
also 'no terminal to ask on; --yes confirms'
unchanged typed 'n\n' add --account alice --from-cert \
    "$R/alice/alice.crt"
[ "$rc" -eq 1 ] || give_up "n: exit $rc"
unchanged typed '\n' add --account alice --from-cert \
    "$R/alice/alice.crt"
unchanged says 0 'nothing was changed' add --account alice --from-cert \
    "$R/alice/alice.crt" --dry-run
typed 'y\n' add --account alice --from-cert "$R/alice/alice.crt"
[ "$rc" -eq 0 ] || give_up "y: exit $rc: $(cat "$R/out")"
is "$OLD$ALICE
"
none 1 'there already, in line 2' --from-cert "$R/alice/alice.crt" --yes

echo "the strong field"
from alice "$ALICE"
from meter "allow device device uri=spiffe://$REALM/device/meter as meter" \
    2>/dev/null
from good 'allow user lab uri=spiffe://lab.example/user/alice as good'
lab_issue "$R/lab" two subjectAltName=URI:spiffe://lab.example/user/a,URI:spiffe://lab.example/user/b
from two "allow user lab spki=sha256:$(key_of two) as two"
lab_issue "$R/open" loose
from loose "allow user open spki=sha256:$(key_of loose) as loose"
lab_issue "$R/open" mail subjectAltName=email:alice@lab.example
from mail "allow user open spki=sha256:$(key_of mail) as mail"
openssl x509 -in "$R/alice/alice.crt" -outform DER -out "$R/alice/der"
printf '%s' "$OLD" >"$MAP"
says 0 'added as line 2' add --from-cert "$R/alice/der" --account alice --yes
is "$OLD$ALICE
"

echo "it lets in whom it is for"
for who in alice mail; do
	printf '%s' "$OLD" >"$MAP"
	says 0 added add --from-cert "$R/$who/$who.crt" --account alice --yes
	says 0 '^allowed: account alice' test --cert "$R/$who/$who.crt"
	says 1 '^refused' test --cert "$R/bob/bob.crt"
done

echo "more accounts, more of the rule"
AS=bob,alice from bob \
    "allow user user $A/bob as bob,alice no-pty until=2098-01-01" \
    'no-pty until=2098-01-01'
printf '%s' "$OLD" >"$MAP"
none 1 '^rule:1:[0-9]+: error' --from-cert "$R/alice/alice.crt" nonsense
unchanged says 1 '^rule:1:[0-9]+: error' add --from-cert \
    "$R/alice/alice.crt" --account 'alice,'
unchanged says 0 'warning: reaches root' add --from-cert \
    "$R/alice/alice.crt" --account root --dry-run

echo "none for a certificate that lets nobody in"
lab_ca "$R/rogue" "/CN=Lab users"
lab_issue "$R/rogue" stranger
none 1 'nobody gets in.*path' --yes --from-cert "$R/stranger/stranger.crt"
lab_issue "$R/lab" old from=20200101000000Z to=20210101000000Z
none 1 'nobody gets in.*validity' --yes --from-cert "$R/old/old.crt"
lab_issue "$R/lab" gone
lab_revoke "$R/lab" gone
lab_crl "$R/lab" "$R/etc/crl/lab.crl"
none 1 'nobody gets in.*revo' --yes --from-cert "$R/gone/gone.crt"
none 1 'nobody gets in' --yes --from-cert "$R/host/localhost.crt"
none 1 'nobody gets in' --yes --from-cert "$R/alice/alice.key"
none 3 'none.crt' --yes --from-cert "$R/none.crt"

echo "what does not go together"
none 2 'expected one of' --from-cert x --from-token
unchanged says 2 'need --account' add --from-cert x
none 2 'goes with' "$ALICE"
none 2 'go with --from-token' --from-cert x --label y
unchanged says 2 'are for cards' add --module /x "$ALICE"

token()
{
	says "$1" "$2" add --conf "$R/etc/pam.conf" --from-token --account \
	    alice "${@:3}"
}

echo "from a card"
card_of alice
unchanged token 1 'no terminal to ask on; --yes confirms'
also "^$ALICE\$"
token 0 'added as line 2' --yes
is "$OLD$ALICE
"
printf '%s' "$OLD" >"$MAP"
card_pull
unchanged token 1 '0 certificates' --yes
unchanged token 3 '/nonexistent.so' --module /nonexistent.so --yes

echo "one of several"
CARD_ID=0
card_new one
card_put one "$R/bob/bob.key" "$R/bob/bob.crt"
card_put one "$R/alice/alice.key" "$R/alice/alice.crt"
card_put one "$R/old/old.key" "$R/old/old.crt"
unchanged token 1 '3 certificates, and there is no terminal.*--label or --id' \
    --yes
also 'one, cert 1, id 01: CN=bob,.*, until 20'
also 'one, cert 3, id 03: refused: '
unchanged token 1 'none of them wanted' --label nosuch --yes
unchanged token 1 'none of them wanted' --label 'cert 1' --id 02 --yes
unchanged token 1 'nobody gets in' --id 03 --yes
token 0 'added as line 2' --label 'cert 2' --yes
is "$OLD$ALICE
"
for id in 02 0:2; do
	printf '%s' "$OLD" >"$MAP"
	token 0 'added as line 2' --id $id --yes
	is "$OLD$ALICE
"
done
printf '%s' "$OLD" >"$MAP"
unchanged typed '9\n' add --conf "$R/etc/pam.conf" --from-token \
    --account alice --yes
also "'9': expected a number from 1 to 3"
n=$(grep -oE '^ +[0-9]+  one, cert 2' "$R/out" | grep -oE '[0-9]+' | head -n 1)
typed "$n\ny\n" add --conf "$R/etc/pam.conf" --from-token --account \
    alice
[ "$rc" -eq 0 ] || give_up "number $n: exit $rc: $(cat "$R/out")"
is "$OLD$ALICE
"
