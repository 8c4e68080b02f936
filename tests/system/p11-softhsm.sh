#!/bin/bash
# certlogin-p11 with real SoftHSM tokens: lists, signs as TLS 1.3 wants it,
# sends a wrong PIN once only, says what is wrong with a module.
set -eu

so=/usr/lib/softhsm/libsofthsm2.so
for t in softhsm2-util pkcs11-tool p11tool openssl; do
	command -v $t >/dev/null || { echo "$t is missing"; exit 77; }
done
[ -x "$BUILD/certlogin-p11" ] || { echo "built without PKCS#11"; exit 77; }
[ -e $so ] || { echo "$so is missing"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir tokens
printf 'directories.tokendir = %s\nobjectstore.backend = file\n' \
    "$dir/tokens" >softhsm2.conf
export SOFTHSM2_CONF=$dir/softhsm2.conf
softhsm2-util --init-token --free --label tk1 --pin 1234 --so-pin 5678 \
    >/dev/null
tool=(pkcs11-tool --module "$so" --login --pin 1234 --token-label tk1)
try=("$BUILD/tests/tools/p11try" "$BUILD" "$so" 10000
    "SOFTHSM2_CONF=$SOFTHSM2_CONF")
echo "what is signed" >data
chmod 644 data

fail() { echo "FAILED: $*"; exit 1; }

# the certificate says nothing about the token's key here: only its id does
openssl req -x509 -newkey ed25519 -nodes -keyout any.key -out any.pem \
    -subj /CN=any 2>/dev/null
openssl x509 -in any.pem -outform DER -out any.der
n=1
for type in EC:secp256r1 EC:secp384r1 EC:edwards25519 rsa:2048 rsa:3072; do
	label=k${type#*:}
	"${tool[@]}" --keypairgen --key-type $type --id 0$n --label "$label" \
	    >/dev/null 2>&1 || fail "no key $type"
	"${tool[@]}" --write-object any.der --type cert --id 0$n \
	    --label "$label" >/dev/null 2>&1 || fail "no certificate $type"
	p11tool --provider "$so" --login --set-pin=1234 --export-pubkey \
	    "pkcs11:token=tk1;id=%0$n;type=public" --outfile $n.pem \
	    >/dev/null 2>&1 || fail "no public key $type"
	n=$((n + 1))
done

"${try[@]}" list >found
[ "$(grep -c "^tk1|k" found)" = 5 ] || fail "list: $(cat found)"

# sign LABEL PIN… SCHEME
sign() { local l=$1; shift; "${try[@]}" sign "pkcs11:object=$l" "$@" \
    "$dir/data" >sig 2>err; }
# check NUMBER OPTIONS…
check()
{
	local n=$1

	shift
	openssl dgst "$@" -verify "$n.pem" -signature sig data \
	    >/dev/null || fail "signature of key $n"
}
pss=(-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest)
sign ksecp256r1 1234 0403 || fail "$(cat err)"
check 1 -sha256
sign ksecp384r1 1234 0503 || fail "$(cat err)"
check 2 -sha384
sign kedwards25519 1234 0807 || fail "$(cat err)"
[ "$(wc -c <sig)" = 64 ] || fail "Ed25519: $(wc -c <sig) bytes"
sign k2048 1234 0804 || fail "$(cat err)"
check 4 -sha256 "${pss[@]}"
sign k3072 1234 0805 || fail "$(cat err)"
check 5 -sha384 "${pss[@]}"
# as the PAM module has it: PKCS #1 v1.5
sign k2048 1234 0401 || fail "$(cat err)"
check 4 -sha256
# control: the check sees another text
sign k3072 1234 0805 || fail "$(cat err)"
echo other >>data
! openssl dgst -sha384 "${pss[@]}" -verify 5.pem \
    -signature sig data >/dev/null 2>&1 || fail "any signature verifies"

# a scheme that does not fit the key; no PIN; a PIN in the URI
! sign k2048 1234 0403 || fail "ECDSA by an RSA key"
grep -q 'another kind' err || fail "$(cat err)"
! sign k2048 '' 0804 || fail "signed without a PIN"
! "${try[@]}" sign 'pkcs11:object=k2048?pin-value=1234' 1234 0804 \
    "$dir/data" >sig 2>err || fail "a PIN in a URI"
grep -q 'no PIN in a pkcs11: URI' err || fail "$(cat err)"

# a wrong PIN is sent once, the right one still works
! sign k2048 9999 9999 0804 || fail "signed by a wrong PIN"
grep -q 'login: wrong PIN' err || fail "$(cat err)"
grep -q 'was wrong before' err || fail "sent twice: $(cat err)"
sign k2048 9999 1234 0804 || fail "$(cat err)"

# modules that are none
for m in "$dir/none.so" none.so "$dir/data"; do
	! "$BUILD/tests/tools/p11try" "$BUILD" "$m" 5000 '' list 2>err ||
	    fail "loaded $m"
	grep -q "none.so\|data" err || fail "$(cat err)"
done
