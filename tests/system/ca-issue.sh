#!/bin/bash
# What certlogin-ca issue and sign make: names, times, keys, one purpose; and
# what they refuse.  Looked at with openssl.
# also-in: sanitizers
set -eu -o pipefail
# shellcheck source=tests/lib/ca.sh
. "$SRC/tests/lib/ca.sh"

# says CERT REGEX…
says()
{
	local cert=$1 regex

	shift
	for regex; do
		text "$cert" | grep -qE -- "$regex" ||
		    give_up "$cert does not say '$regex'"
	done
}

# says_not CERT REGEX
says_not()
{
	! text "$1" | grep -qE -- "$2" || give_up "$1 says '$2'"
}

# lines_after CERT HEADING: the line below it
below()
{
	text "$1" | grep -A1 -E -- "$2" | tail -n 1 | sed 's/^ *//'
}

# is VALUE WANTED WHAT
is()
{
	[ "$1" = "$2" ] || give_up "$3: '$1', not '$2'"
}

# ends CERT DAYS: within a minute of that
ends()
{
	local end

	end=$(date -d "$(openssl x509 -in "$1" -noout -enddate |
	    cut -d= -f2)" +%s)
	[ $((end - $(date +%s) - $2 * 86400)) -le 60 ] &&
	    [ $(($(date +%s) + $2 * 86400 - end)) -le 60 ] ||
	    give_up "$1 does not end in $2 days"
}

# leaf CERT CLASS: a good chain and the profile of every leaf
leaf()
{
	local cert=$1 class=$2

	openssl verify -x509_strict -partial_chain -check_ss_sig \
	    -CAfile "$R/etc/ca/$class.crt" "$cert" >/dev/null ||
	    give_up "$cert does not verify with the $class CA"
	is "$(grep -c BEGIN "$cert")" 2 "certificates in $cert"
	is "$(below "$cert" 'Basic Constraints: critical')" CA:FALSE "$cert"
	is "$(below "$cert" 'X509v3 Key Usage: critical')" \
	    'Digital Signature' "$cert"
	says "$cert" 'Version: 3' 'Subject Key Identifier' \
	    'Authority Key Identifier' 'ecdsa-with-SHA384'
	is "$(text "$cert" | grep -o URI: | wc -l)" 1 "URIs of $cert"
	case $class in
	host) is "$(below "$cert" 'Extended Key Usage')" \
	    'TLS Web Server Authentication' "$cert" ;;
	*) is "$(below "$cert" 'Extended Key Usage')" \
	    'TLS Web Client Authentication' "$cert" ;;
	esac
	is "${#cert_serial}" 32 "length of a serial"
}

# issued CLASS NAME [OPTION…]: into $R/NAME
issued()
{
	local class=$1 name=$2

	shift 2
	done_by issue "$class" "$name" --out "$R/$name" "$@"
	cert_serial=$(serial_of "$R/$name/$name.crt")
	leaf "$R/$name/$name.crt" "$class"
	belong "$R/$name/$name.key" "$R/$name/$name.crt" ||
	    give_up "key and certificate of $name do not belong together"
}

# request NAME OPENSSL-ARGUMENT…: $R/NAME.csr, which claims to be root
request()
{
	local name=$1

	shift
	openssl req -new -nodes -subj /CN=root -addext \
	    "subjectAltName=URI:spiffe://$REALM/user/root" -keyout \
	    "$R/$name.csrkey" -out "$R/$name.csr" "$@" 2>/dev/null
}

done_by init --realm $REALM
refused_by 1 'there is a CA' init --realm other.example
done_by export --out "$R/etc"
for class in user device host; do
	says "$R/etc/ca/$class.crt" 'P-384' 'CA:TRUE, pathlen:0' \
	    'Certificate Sign, CRL Sign'
	ends "$R/etc/ca/$class.crt" 1826
done

echo "users, devices, hosts"
issued user alice --email alice@mail.example --upn alice@corp.example
# OpenSSL 3.0 writes UPN::NAME, 3.5 UPN:NAME
is "$(below "$R/alice/alice.crt" 'Alternative Name' | sed s/UPN::/UPN:/)" \
    "URI:spiffe://$REALM/user/alice, email:alice@mail.example, othername: UPN:alice@corp.example" \
    "alice's names"
says "$R/alice/alice.crt" 'NIST CURVE: P-256'
ends "$R/alice/alice.crt" 365
cmp "$R/alice/ca.crt" "$R/etc/ca/host.crt"
issued device meter-1 --key-type ed25519
is "$(below "$R/meter-1/meter-1.crt" 'Alternative Name')" \
    "URI:spiffe://$REALM/device/meter-1" "the meter's names"
says "$R/meter-1/meter-1.crt" 'Public Key Algorithm: ED25519'
ends "$R/meter-1/meter-1.crt" 730
issued host www.test.example --ip 192.0.2.1 --ip 2001:db8::1 \
    --dns alias.test.example --days 30 --key-type rsa3072
is "$(below "$R/www.test.example/www.test.example.crt" \
    'Alternative Name')" \
    "URI:spiffe://$REALM/host/www.test.example, DNS:www.test.example, DNS:alias.test.example, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1" \
    "the host's names"
says "$R/www.test.example/www.test.example.crt" 'Public-Key: \(3072 bit\)'
ends "$R/www.test.example/www.test.example.crt" 30
[ ! -e "$R/www.test.example/ca.crt" ] || give_up "a host got ca.crt"
not_before=$(date -d "$(openssl x509 -in "$R/alice/alice.crt" -noout \
    -startdate | cut -d= -f2)" +%s)
back=$(($(date +%s) - not_before))
[ $back -ge 300 ] && [ $back -le 420 ] ||
    give_up "alice's certificate began $back s ago, not 300"

echo "never past the issuer"
issued user longlife --days 7000
is "$(openssl x509 -in "$R/longlife/longlife.crt" -noout -enddate)" \
    "$(openssl x509 -in "$R/etc/ca/user.crt" -noout -enddate)" "the end"

echo "PKCS#12"
(umask 077 && echo another-passphrase >"$R/p12pass")
issued user carol --p12 --p12-passphrase-file "$R/p12pass"
openssl pkcs12 -in "$R/carol/carol.p12" -passin file:"$R/p12pass" \
    -nodes -out "$R/carol.pem" 2>/dev/null
belong "$R/carol.pem" "$R/carol/carol.crt" || give_up "another key in the p12"
is "$(grep -c 'BEGIN CERT' "$R/carol.pem")" 2 "certificates in the p12"

echo "CSRs: only the key counts"
request p256 -newkey ec -pkeyopt ec_paramgen_curve:P-256
done_by sign user dave "$R/p256.csr" --out "$R/dave" --email d@test.example
cert_serial=$(serial_of "$R/dave/dave.crt")
leaf "$R/dave/dave.crt" user
belong "$R/p256.csrkey" "$R/dave/dave.crt" || give_up "not the CSR's key"
is "$(below "$R/dave/dave.crt" 'Alternative Name')" \
    "URI:spiffe://$REALM/user/dave, email:d@test.example" "dave's names"
says_not "$R/dave/dave.crt" root
[ ! -e "$R/dave/dave.key" ] || give_up "a key out of nowhere"
[ -s "$R/dave/ca.crt" ] || give_up "no ca.crt"
for args in "rsa:2048" "ed25519" "ec -pkeyopt ec_paramgen_curve:P-384"; do
	# shellcheck disable=SC2086
	request good -newkey $args
	done_by sign device thing "$R/good.csr" --out "$R/thing"
	openssl req -in "$R/good.csr" -outform DER -out "$R/good.der"
	done_by sign device thing "$R/good.der" --out "$R/thing"
done
request weak -newkey rsa:1024
refused_by 1 'RSA key of 1024 bits' sign user eve "$R/weak.csr" --out "$R/eve"
request curve -newkey ec -pkeyopt ec_paramgen_curve:P-521
refused_by 1 'not used' sign user eve "$R/curve.csr" --out "$R/eve"
request brainpool -newkey ec -pkeyopt ec_paramgen_curve:secp256k1
refused_by 1 . sign user eve "$R/brainpool.csr" --out "$R/eve"
# another's key with one's own signature: the last bytes belong to it
openssl req -in "$R/p256.csr" -outform DER -out "$R/forged.der"
size=$(stat -c %s "$R/forged.der")
printf '\0\1\2\3' | dd of="$R/forged.der" bs=1 seek=$((size - 6)) \
    conv=notrunc status=none
refused_by 1 'does not prove' sign user eve "$R/forged.der" --out "$R/eve"
head -c 300 /dev/urandom >"$R/junk.csr"
refused_by 1 'no CSR' sign user eve "$R/junk.csr" --out "$R/eve"
head -c 70000 /dev/zero >"$R/big.csr"
refused_by 3 'too big' sign user eve "$R/big.csr" --out "$R/eve"
mkfifo "$R/fifo.csr"
refused_by 3 'regular' sign user eve "$R/fifo.csr" --out "$R/eve"
[ ! -e "$R/eve" ] || give_up "a folder for a refused CSR"

echo "words that are no names"
for name in '' .x -x ../x a/b 'a b' ä "$(printf 'a\nb')" \
    "$(printf 'a%.0s' {1..65})"; do
	refused_by 2 . issue user "$name" --out "$R/eve"
done
refused_by 2 'ca.crt' issue user ca --out "$R/eve"
refused_by 2 'DNS' issue host a_b --out "$R/eve"
refused_by 2 'DNS' issue host 192.0.2.1 --out "$R/eve"
refused_by 2 'DNS' issue host ok --dns '*.test.example' --out "$R/eve"
refused_by 2 'IP' issue host ok --ip 192.0.2 --out "$R/eve"
refused_by 2 'email' issue user ok --email 'a b@c' --out "$R/eve"
refused_by 2 'upn' issue user ok --upn '@c' --out "$R/eve"
refused_by 2 'twice' issue user ok --upn a@c --upn a@c --out "$R/eve"
refused_by 2 'user, device' issue admin ok --out "$R/eve"
refused_by 2 'days' issue user ok --days 0 --out "$R/eve"
refused_by 2 'key-type' issue user ok --key-type rsa1024 --out "$R/eve"
refused_by 2 'issue needs --out' issue user ok
refused_by 2 'expected user.device.host NAME;' issue user ok more --out "$R/eve"
refused_by 2 'does not take' issue user ok --out "$R/eve" --reason superseded
refused_by 2 'no option' issue user ok --out "$R/eve" --nonsense
done_by issue user "$(printf 'a%.0s' {1..64})" --out "$R/ok"

echo "wrong passphrase, none, and a key that is not the CA's"
(umask 077 && echo something-else >"$R/wrong")
rc=0
certlogin-ca --dir "$R/ca" --passphrase-file "$R/wrong" issue user eve \
    --out "$R/eve" >"$R/out" 2>"$R/err" || rc=$?
[ $rc -eq 1 ] && grep -q 'wrong passphrase' "$R/err" ||
    give_up "exit $rc with a wrong passphrase"
rc=0
setsid -w certlogin-ca --dir "$R/ca" issue user eve --out "$R/eve" \
    >"$R/out" 2>"$R/err" </dev/null || rc=$?
[ $rc -eq 3 ] && grep -q 'no terminal' "$R/err" ||
    give_up "exit $rc without a terminal"
[ ! -e "$R/eve" ] || give_up "a folder for somebody refused"

echo "a realm's name"
for realm in Test.example test 'a..b' .a.b a.b. "a b.c" "-a.b" \
    "$(printf 'a%.0s' {1..61}).com"; do
	rc=0
	certlogin-ca --dir "$R/ca2" --passphrase-file "$R/passphrase" init \
	    --realm "$realm" >"$R/out" 2>"$R/err" || rc=$?
	[ $rc -eq 2 ] || give_up "realm '$realm': exit $rc"
done
[ ! -e "$R/ca2" ] || give_up "a folder for no realm"
done_by check
