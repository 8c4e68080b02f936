#!/bin/bash
# https takes a CRL from a server that a CA of the system vouches for under
# that name, now, and from no other; it does not let itself be led to http.
set -eu
# shellcheck source=tests/lib/fetch.sh
. "$SRC/tests/lib/fetch.sh"

SECURE=https://pki.test:8443

# trust_ca FILE: the system's, in this test's copy of /etc
trust_ca()
{
	local hash

	[ -s /etc/ssl/certs/ca-certificates.crt ] || {
		echo "the system's CAs (ca-certificates) are not there"
		exit 77
	}
	hash=$(openssl x509 -in "$1" -noout -hash)
	cp "$1" "/etc/ssl/certs/$hash.0"
	cat "$1" >>/etc/ssl/certs/ca-certificates.crt
}

# web_server NAME PORT CA [LINE…]: with a certificate of its own
web_server()
{
	local name=$1 port=$2 ca=$3

	shift 3
	lab_issue "$ca" "$name" extendedKeyUsage=serverAuth \
	    subjectAltName=DNS:pki.test "$@"
	server "$port" "$R/$name/$name.crt" "$R/$name/$name.key"
}

# refuses NAME URL REASON, and the control
refuses()
{
	echo "$1"
	newer
	crl_url "$2"
	kept "not fetched: .*($3)" 0
	crl_url "$SECURE/lab.crl"
	fetched "$R/web/lab.crl" new
}

fetch_make
lab_ca "$R/webca" "/CN=CA of the web"
lab_ca "$R/strange" "/CN=CA of nobody"
trust_ca "$R/webca/ca.crt"
server 8080
web_server good 8443 "$R/webca"
web_server strange-one 8444 "$R/strange"
web_server old 8445 "$R/webca" from=20200101000000Z to=20200201000000Z

crl_url "$SECURE/lab.crl"
fetched "$R/web/lab.crl" new

refuses "a CA that nobody trusts" https://pki.test:8444/lab.crl \
    'verification failed|certificate problem'
refuses "another name" https://other.test:8443/lab.crl \
    'does not match target host ?name'
refuses "its address, which is no name of it" https://127.0.0.1:8443/lab.crl \
    'does not match target host ?name'
refuses expired https://pki.test:8445/lab.crl \
    'verification failed|certificate problem'
refuses "no TLS there" https://pki.test:8080/lab.crl 'SSL|TLS|gnutls'
refuses "led to http" "$SECURE/to/$URL/lab.crl" \
    'redirects to http:.*; expected https'

echo "from http to https"
newer
crl_url "$URL/to/$SECURE/lab.crl"
fetched "$R/web/lab.crl" new
