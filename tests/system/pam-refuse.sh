#!/bin/bash
# Certificates with which nobody gets in by the PAM module, by card and by
# file: nothing is asked, and log and person hear why. Each beside a control.
# also-in: no-sandbox sanitizers
# limit: 300
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

# faulty NAME PERSON LOG [LINE…]: a lab certificate with these lines, in
# alice's file
faulty()
{
	local name=$1 person=$2 log=$3

	shift 3
	[ $# -eq 0 ] || lab_issue "$R/lab" "$name" "$@"
	echo "$name"
	file_of "$name" alice
	keeps_out "$person" "$log" alice try "$PASS"
	not_asked
	file_of good alice
	lets_in alice try "$PASS"
}

# unmapped NAME ACCOUNT PERSON LOG [LINE…]: a good certificate that is not for
# this account, on a card
unmapped()
{
	local name=$1 account=$2 person=$3 log=$4

	shift 4
	[ $# -eq 0 ] || lab_issue "$R/lab" "$name" "$@"
	echo "$name"
	card_of "$name"
	keeps_out "$person" "$log" "$account" card 1234
	not_asked
}

pam_make
lab_realm
service try source=file file=%h/id.pem
service card
file_of good alice
lets_in alice try "$PASS"

# ---- the certificate ------------------------------------------------------
faulty server-auth 'purpose|usage' '4\.2\.1\.12' extendedKeyUsage=serverAuth
faulty no-eku 'purpose|usage' '4\.2\.1\.12' extendedKeyUsage=
faulty expired 'has expired on 2021' '4\.1\.2\.5' \
    from=20200101000000Z to=20210101000000Z
faulty newline 'certificate|name' 'byte|character|ASCII' \
    "subjectAltName=$(lab_der 'spiffe://lab.example/user/alice\nroot')"
faulty nul 'certificate|name' 'byte|character|ASCII' \
    "subjectAltName=$(lab_der 'spiffe://lab.example/user/alice\x00x')"
faulty long-name 'certificate|name' 'bytes|long' \
    "subjectAltName=URI:spiffe://lab.example/user/$(printf 'a%.0s' {1..3000})"
faulty outside-names 'certificate|names' 'names' \
    subjectAltName=URI:spiffe://elsewhere.example/user/alice

echo "a subject longer than any buffer; nearly as long, it says who it is"
lab_long "$R/lab" long 40
faulty long 'name in the certificate' 'subject longer than 1023 bytes'
lab_long "$R/lab" nearly 15
file_of nearly alice
lets_in alice try "$PASS"
file_of nearly carol
keeps_out 'it is for: alice' 'other-account' carol try "$PASS"
not_asked

echo "a rogue CA of the same name"
lab_ca "$R/rogue" "/CN=Lab users"
lab_issue "$R/rogue" rogue-leaf
faulty rogue-leaf 'unknown|not known|trusted' 'unknown|anchor|signature'

echo "the same subject and name from another trusted CA"
lab_ca "$R/second" "/CN=Second users"
lab_crl "$R/second" "$R/etc/crl/second.crl"
cp "$R/second/ca.crt" "$R/etc/ca/second.crt"
cat >>"$R/etc/trust.conf" <<-'END'

[authority second]
class      = user
anchor     = ca/second.crt
revocation = require
crl        = crl/second.crl
END
lab_issue "$R/second" twin "subject=/CN=good"
faulty twin 'no account|not mapped|no rule|rule' 'no-rule|no rule'

# ---- the map --------------------------------------------------------------
echo 'allow user lab uri=spiffe://lab.example/user/job as ingest command="/bin/true"' \
    >>"$R/etc/identity.map"
unmapped cn-root root 'no account|it is for|rule' 'other-account' \
    subject=/CN=root
unmapped captured-root root 'does not open' 'uid 0' \
    subjectAltName=URI:spiffe://lab.example/user/root
unmapped captured-system sysacct 'does not open' 'uid 642' \
    subjectAltName=URI:spiffe://lab.example/user/sysacct
unmapped job ingest 'no|rule|not' 'no rule allows|elsewhere' \
    subjectAltName=URI:spiffe://lab.example/user/job

echo "a device at the console"
unmapped meter ingest 'device|class|person|certificate' '\(class\)'

echo "service= of another door"
echo 'allow user user uri=spiffe://test.example/user/carol as carol service=login' \
    >>"$R/etc/identity.map"
unmapped carol carol 'of this kind' 'elsewhere'
service login
lets_in carol login 1234

echo "a name with quotes ends no quotes in the log; nor does an account's"
sed -i 's|^names *= uri=spiffe://lab.*|&, upn=*@lab.example|' \
    "$R/etc/trust.conf"
echo 'allow user lab upn=*@lab.example as alice' >>"$R/etc/identity.map"
lab_issue "$R/lab" quotes 'subjectAltName=otherName:'\
'1.3.6.1.4.1.311.20.2.3;UTF8:x\"rule=0\"y@lab.example'
card_of quotes
lets_in alice card 1234
wait_log "authenticated: .*identity=\"lab upn=x'rule=0'y@lab\.example\"" ||
    give_up "the quotes are not kept"
keeps_out 'it is for: alice' "refused for account \"a'b=c\": " 'a"b=c' card 1234

# ---- revocation -----------------------------------------------------------
card_of good
lets_in alice card 1234

echo "no CRL under require"
mv "$R/etc/crl/lab.crl" "$R/lab.crl"
keeps_out 'revo|CRL' 'CRL' alice card 1234
not_asked
mv "$R/lab.crl" "$R/etc/crl/lab.crl"
lets_in alice card 1234

echo "a CRL rolled back"
cp "$R/etc/crl/lab.crl" "$R/older.crl"
lab_crl "$R/lab" "$R/etc/crl/lab.crl"
lets_in alice card 1234
cp "$R/older.crl" "$R/etc/crl/lab.crl"
keeps_out 'revo|CRL' 'CRL' alice card 1234
not_asked

echo "the right PIN, but revoked"
lab_revoke "$R/lab" good
lab_crl "$R/lab" "$R/etc/crl/lab.crl"
keeps_out 'revoked' 'revoked' alice card 1234
not_asked

# nothing in the log could be taken for a line of its own
! grep -qE '^root' "$R/log" || give_up "a name broke a line of the log"
