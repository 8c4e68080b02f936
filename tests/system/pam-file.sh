#!/bin/bash
# A key file lets its owner in through the PAM module: PEM and PKCS#12, opened
# as the account; refused when it is not encrypted, writable by others or
# reached through a link.
# also-in: no-sandbox sanitizers
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

file=$R/home/alice/id.pem

pam_make
service try source=file file=%h/id.pem
file_of alice alice

echo "control: PEM, the right passphrase"
lets_in alice try "$PASS"
grep -q 'Passphrase of the key file' "$R/err" || give_up "no prompt"
echo "a wrong passphrase, an empty one"
keeps_out 'wrong passphrase' 'wrong passphrase' alice try other
keeps_out 'passphrase is empty' 'empty' alice try ''

echo "somebody without a file: nothing is asked"
keeps_out 'cannot retrieve' 'id\.pem' bob try "$PASS"
not_asked
keeps_out 'cannot retrieve' '' nosuchaccount try "$PASS"
not_asked

echo "another's file: the certificate is not for this account"
cp "$file" "$R/home/carol/id.pem"
chown 42003:42003 "$R/home/carol/id.pem"
keeps_out 'it is for: alice' 'other-account' carol try "$PASS"
not_asked

echo "PKCS#12, as certlogin-ca writes it and as openssl does"
openssl pkcs12 -export -inkey "$R/alice/alice.key" \
    -in "$R/alice/alice.crt" -passout "pass:$PASS" \
    -out "$R/home/alice/id.p12"
chown 42001:42001 "$R/home/alice/id.p12"
service p12 source=file "file=$R/home/%u/id.p12"
lets_in alice p12 "$PASS"
keeps_out 'wrong passphrase' 'wrong passphrase' alice p12 other

echo "not encrypted"
for form in pem p12 mac; do
	case $form in
	pem) cat "$R/alice/alice.key" "$R/alice/alice.crt" ;;
	p12) openssl pkcs12 -export -inkey "$R/alice/alice.key" \
		-in "$R/alice/alice.crt" -passout pass: ;;
	mac) openssl pkcs12 -export -inkey "$R/alice/alice.key" \
		-in "$R/alice/alice.crt" -keypbe NONE -certpbe NONE \
		-passout "pass:$PASS" ;;
	esac >"$R/home/alice/id.plain"
	chown 42001:42001 "$R/home/alice/id.plain"
	service plain source=file file=%h/id.plain
	keeps_out 'not encrypted' 'not encrypted' alice plain "$PASS"
	not_asked
done

echo "writable by others, in a folder of others, somebody else's"
chmod 0620 "$file"
keeps_out 'written by' 'written by' alice try "$PASS"
chmod 0600 "$file"
chmod 0770 "$R/home/alice"
keeps_out 'written by' 'written by' alice try "$PASS"
chmod 0700 "$R/home/alice"
chown 42002 "$file"
chmod 0644 "$file"
keeps_out 'owned|belongs|owner' '' alice try "$PASS"
chown 42001 "$file"
chmod 0600 "$file"
lets_in alice try "$PASS"

echo "a link, and one on the way"
ln -s id.pem "$R/home/alice/link.pem"
service link source=file file=%h/link.pem
keeps_out 'link' 'link' alice link "$PASS"
ln -s alice "$R/home/way"
service way source=file "file=$R/home/way/id.pem"
keeps_out 'link' 'link' alice way "$PASS"
mkfifo "$R/home/alice/fifo"
service fifo source=file file=%h/fifo
keeps_out 'regular' 'regular' alice fifo "$PASS"
not_asked

echo "root cannot read for the account: what it may not, is not opened"
mkdir -m 0700 "$R/home/alice/closed"
cp "$file" "$R/home/alice/closed/id.pem"
service closed source=file file=%h/closed/id.pem
keeps_out 'ermission denied' 'ermission denied' alice closed "$PASS"

echo "an account of root's number"
sed -i 's/^allow user user uri=spiffe:.*alice as alice$/& ,root/; s/alice ,root/alice,root/' \
    "$R/etc/identity.map"
set_pam privileged-accounts root
cp "$file" "$R/root.pem"
chown 0:0 "$R/root.pem"
service root source=file "file=$R/root.pem"
keeps_out 'root.s rights' 'root.s rights' root root "$PASS"

echo "token, then file"
service both source=token,file file=%h/id.pem
lets_in alice both "$PASS"
card_of alice
lets_in alice both 1234
echo "file, then token"
service both source=file,token file=%h/none.pem
lets_in alice both 1234

echo "a % that means nothing"
service percent source=file file=%h/%x
keeps_out 'not set up' '% signs' alice percent "$PASS"
