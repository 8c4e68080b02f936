#!/bin/bash
# Whatever certlogin-ca issues passes the trust.conf that it exports; what its
# key says of another realm or class does not.
set -eu -o pipefail
# shellcheck source=tests/lib/ca.sh
. "$SRC/tests/lib/ca.sh"

command -v certlogin-map >/dev/null || {
	echo "certlogin-map is not there"
	exit 77
}

# judged STATUS REGEX NAME ARGUMENT…
judged()
{
	local status=$1 regex=$2 name=$3

	shift 3
	rc=0
	certlogin-map --trust "$R/trust/trust.conf" verify \
	    --cert "$R/out.d/$name.crt" "$@" >"$R/out" 2>"$R/err" || rc=$?
	[ "$rc" -eq "$status" ] || give_up "$name $*: exit $rc, not $status"
	grep -qE -- "$regex" "$R/out" ||
	    give_up "$name $* is not judged '$regex'"
}

# says NAME SAN: a certificate by the users' CA that no admin would issue
says()
{
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$R/$1.key" -subj "/CN=$1" -out "$R/$1.csr" 2>"$R/err"
	printf '%s\n' basicConstraints=critical,CA:FALSE \
	    keyUsage=critical,digitalSignature extendedKeyUsage=clientAuth \
	    "subjectAltName=$2" >"$R/ext"
	openssl x509 -req -in "$R/$1.csr" -days 9 -CA "$R/trust/ca/user.crt" \
	    -CAkey "$R"/ca/keys/user-1.key -passin "file:$R/passphrase" \
	    -set_serial "0x$(openssl rand -hex 15)" -extfile "$R/ext" \
	    -out "$R/out.d/$1.crt" 2>"$R/err" ||
	    give_up "openssl signs nothing with the users' CA"
}

done_by init --realm "$REALM"
done_by issue user plain --out "$R/out.d"
done_by issue user alice --out "$R/out.d" --email alice@mail.example \
    --upn alice@corp.example
done_by issue device meter --out "$R/out.d" --dns meter.test.example
done_by issue host web.test.example --out "$R/out.d" --ip 192.0.2.1 \
    --ip 2001:db8::1 --dns localhost --dns a.b.c.d.test.example
done_by export --out "$R/trust"

judged 0 'accepted by authority user' plain
judged 0 'accepted by authority user' alice
judged 0 'accepted by authority device' meter
for name in web.test.example localhost A.b.C.d.test.example 192.0.2.1 \
    2001:db8:0::1; do
	judged 0 'accepted by authority host' web.test.example --server \
	    --host "$name"
done
judged 1 'FAILED +host' web.test.example --server --host elsewhere.example
judged 1 'FAILED +path' web.test.example
judged 1 'FAILED +path' alice --server

says control URI:spiffe://$REALM/user/control
judged 0 'accepted by authority user' control
says other-realm URI:spiffe://elsewhere.example/user/alice
judged 1 'FAILED +names' other-realm
says other-class URI:spiffe://$REALM/host/alice
judged 1 'FAILED +names' other-class
says two "URI:spiffe://$REALM/user/alice,URI:spiffe://elsewhere.example/user/a"
judged 1 'FAILED +names' two
says wildcard "URI:spiffe://$REALM/user/alice,DNS:*.$REALM"
judged 1 'FAILED +name-forms' wildcard
