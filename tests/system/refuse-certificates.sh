#!/bin/bash
# A certificate with one fault gets nobody in, and both sides say which.
# also-in: no-sandbox sanitizers
# limit: 300
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/lab.sh
. "$SRC/tests/lib/lab.sh"

ALICE=URI:spiffe://lab.example/user/alice

# faulty NAME CLIENT LOG [LINE…]: a lab certificate with these lines is
# refused with these reasons, and the good one still admitted
faulty()
{
	local name=$1 client=$2 log=$3

	shift 3
	[ $# -eq 0 ] || lab_issue "$R/lab" "$name" "$@"
	echo "$name"
	refused "$name" alice "$client" "$log"
	admitted good alice
}

# by_hand NAME CERT KEY: files from elsewhere as $R/NAME
by_hand()
{
	mkdir -p "$R/$1"
	cp "$2" "$R/$1/$1.crt"
	cp "$3" "$R/$1/$1.key"
	cp "$R/alice/ca.crt" "$R/$1/ca.crt"
}

realm_make
lab_realm
daemon_start
admitted good alice

openssl req -x509 -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
    -subj /CN=self -keyout "$R/self.key" -out "$R/self.crt" -days 9 \
    -addext basicConstraints=critical,CA:FALSE \
    -addext keyUsage=critical,digitalSignature \
    -addext extendedKeyUsage=clientAuth \
    -addext "subjectAltName=$ALICE" 2>/dev/null
by_hand self-signed "$R/self.crt" "$R/self.key"
faulty self-signed 'unknown' 'unknown|anchor'

lab_ca "$R/otherca" "/CN=Lab users"
lab_issue "$R/otherca" other-ca
faulty other-ca 'unknown' 'unknown|anchor|signature'

# the same with the right key's identifier claimed
lab_issue "$R/otherca" other-ca-keyid \
    "authorityKeyIdentifier="
faulty other-ca-keyid 'unknown' 'unknown|anchor|signature'

faulty expired expired expired from=20200101000000Z to=20210101000000Z
faulty not-yet 'not yet' 'not yet' from=20400101000000Z to=20410101000000Z
faulty server-auth 'purpose|usage' '4\.2\.1\.12' extendedKeyUsage=serverAuth
faulty no-eku 'purpose|usage' '4\.2\.1\.12' extendedKeyUsage=
faulty any-eku 'purpose|usage' '4\.2\.1\.12' \
    extendedKeyUsage=clientAuth,2.5.29.37.0
faulty ca-leaf CA 'CA' basicConstraints=critical,CA:TRUE
faulty cert-sign 'certificate' '4\.2\.1\.3' \
    keyUsage=critical,digitalSignature,keyCertSign
faulty no-signature-usage 'usage' '4\.2\.1\.3' keyUsage=critical,keyEncipherment
faulty unknown-critical 'certificate' 'critical' \
    1.3.6.1.4.1.99999.1=critical,ASN1:UTF8String:x
faulty rsa1024 'certificate' 'RSA|1024' key=rsa1024
faulty sha1 'certificate' 'SHA-?1' md=sha1
faulty outside-names 'certificate|names' 'names' \
    subjectAltName=URI:spiffe://elsewhere.example/user/alice
faulty two-uris 'certificate|name' 'URI|uri|one value' \
    "subjectAltName=$ALICE,URI:spiffe://lab.example/user/bob"
faulty no-names 'certificate|name' 'name' subjectAltName=
faulty nul-in-name 'certificate|name' 'byte|character|ASCII' \
    "subjectAltName=$(lab_der 'spiffe://lab.example/user/alice\x00x')"
faulty control-in-name 'certificate|name' 'byte|character|ASCII' \
    "subjectAltName=$(lab_der 'spiffe://lab.example/user/alice\nroot')"
faulty latin-in-name 'certificate|name' 'byte|character|ASCII' \
    "subjectAltName=$(lab_der 'spiffe://lab.example/user/\xe4lice')"

# longer than any buffer, and nearly so
lab_long "$R/lab" long 40
faulty long 'certificate' 'subject longer than 1023 bytes'
lab_long "$R/lab" nearly 15
admitted nearly alice

by_hand anchor "$R/lab/ca.crt" "$R/lab/ca.key"
faulty anchor 'certificate|CA' 'CA|anchor|4\.2\.1\.3'

# an issuing CA of somebody else's leaf: a leaf that signs
lab_issue "$R/lab" not-a-ca
mkdir -p "$R/sub"
cp "$R/not-a-ca/not-a-ca.crt" "$R/sub/ca.crt"
cp "$R/not-a-ca/not-a-ca.key" "$R/sub/ca.key"
: >"$R/sub/index.txt"
lab_config "$R/sub"
lab_issue "$R/sub" leaf-of-leaf
cat "$R/not-a-ca/not-a-ca.crt" >>"$R/leaf-of-leaf/leaf-of-leaf.crt"
faulty leaf-of-leaf 'certificate|unknown' 'CA|anchor|issuer'

# nothing in the log could be taken for a line of its own
! grep -qE '^root' "$R/log" || give_up "a name broke a line of the log"
