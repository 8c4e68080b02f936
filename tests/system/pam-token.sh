#!/bin/bash
# A card lets its owner in through the PAM module: every kind of key, several
# certificates, no card; nothing is asked before the certificate fits.
# limit: 240
# also-in: no-sandbox
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

pam_make
card_of alice

echo "control: the right PIN"
lets_in alice try 1234
grep -q 'PIN of card: ' "$R/err" || give_up "no prompt"
wait_log 'rule=2' || give_up "no rule in the log"

echo "a wrong PIN; an empty one is not sent"
keeps_out 'Smart card: wrong PIN' 'wrong PIN' alice try 9999
keeps_out 'the PIN is empty' 'empty' alice try ''
lets_in alice try 1234

echo "another's account: nothing is asked"
keeps_out 'it is for: alice' 'other-account' carol try 1234
not_asked
keeps_out 'it is for: alice' 'other-account' nosuchaccount try 1234
not_asked

echo "no card: nothing is said, the next module may go on"
card_pull
keeps_out 'cannot retrieve' 'no card' alice try
not_asked

echo "a certificate without its key"
card_new card
card_cert card "$R/alice/alice.crt"
keeps_out 'no private key' 'no private key' alice try 1234
echo "the certificate of one, the key of another"
card_pull
card_new card
card_put card "$R/bob/bob.key" "$R/alice/alice.crt"
keeps_out 'does not prove who you are' 'signature of user' alice try 1234

echo "every kind of key"
lab_realm
for kind in rsa2048 rsa3072 rsa4096 P-256 P-384 ed25519; do
	echo "  $kind"
	lab_issue "$R/lab" "k$kind" "key=$kind"
	card_of "k$kind"
	lets_in alice try 1234
done
echo "several fitting certificates: a numbered choice"
card_pull
card_new card
card_put card "$R/alice/alice.key" "$R/alice/alice.crt"
card_put card "$R/good/good.key" "$R/good/good.crt"
lets_in alice try 1 1234
grep -qE '1: .*CN=.*issued by .*until 20' "$R/err" || give_up "no choice"
grep -q '2: ' "$R/err" || give_up "no second choice"
lets_in alice try 2 1234
keeps_out 'no such number' '' alice try 3 1234
keeps_out 'no such number' '' alice try x 1234

echo "uri= names one of them"
service named 'uri=pkcs11:object=cert%20'"$CARD_ID"
lets_in alice named 1234
service none uri=pkcs11:token=other
keeps_out 'cannot retrieve' 'no card' alice none 1234

echo "expired and not yet valid: shown, not offered"
lab_issue "$R/lab" old from=20200101000000Z to=20210101000000Z
lab_issue "$R/lab" new from=20400101000000Z to=20410101000000Z
card_pull
card_new card
card_put card "$R/old/old.key" "$R/old/old.crt"
card_put card "$R/new/new.key" "$R/new/new.crt"
keeps_out 'CN=old has expired on 2021-01-01' '4\.1\.2\.5' alice try 1 1234
grep -q 'CN=new is not valid before 2040-01-01' "$R/err" || give_up "early"
not_asked
card_put card "$R/good/good.key" "$R/good/good.crt"
lets_in alice try 1234
grep -q 'CN=old has expired' "$R/err" || give_up "expired one not shown"

echo "text from the card is escaped"
card_pull
card_new "$(printf 'ca\033[31mrd')"
card_put "$(printf 'ca\033[31mrd')" "$R/good/good.key" "$R/good/good.crt"
lets_in alice try 1234
grep -qF 'PIN of ca\x1b[31mrd: ' "$R/err" || give_up "not escaped"

echo "there is no password to change"
TRY=(chauthtok)
keeps_out 'no password to change' '' alice try
