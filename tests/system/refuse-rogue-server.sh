#!/bin/bash
# The client gives nothing to a server whose certificate is not right: no
# login, no byte of input, and the reason on both sides.
# also-in: sanitizers
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/lab.sh
. "$SRC/tests/lib/lab.sh"

rogue=''
stop_rogue()
{
	[ -z "$rogue" ] || kill "$rogue" 2>/dev/null || :
	[ -z "$rogue" ] || wait "$rogue" 2>/dev/null || :
	rogue=''
}

port_open()
{
	[ -n "$(ss -Hltn "sport = :$PORT")" ]
}

# rogue NAME CLIENT SERVER [LINE…]: openssl plays the server with this
# certificate
rogue()
{
	local name=$1 client=$2 server=$3

	shift 3
	echo "$name"
	[ $# -eq 0 ] || lab_issue "$R/hosts" "$name" \
	    extendedKeyUsage=serverAuth subjectAltName=DNS:localhost "$@"
	openssl s_server -accept "127.0.0.1:$PORT" -tls1_3 -quiet \
	    -alpn certlogin/1 -Verify 3 -cert "$R/$name/$name.crt" \
	    -key "$R/$name/$name.key" >"$R/log" 2>&1 </dev/null &
	rogue=$!
	wait_for 10 port_open || give_up "openssl s_server did not start"
	client alice "${CLIENT_OPTIONS[@]}" alice@localhost cat \
	    <<<"a secret of the client"
	[ "$rc" -eq 255 ] || give_up "$name: exit $rc, not 255"
	grep -qiE -- "$client" "$R/err" ||
	    give_up "$name: the client does not say '$client'"
	wait_for 5 grep -qE -- "$server" "$R/log" ||
	    give_up "$name: the server does not see '$server'"
	! grep -q secret "$R/log" || give_up "$name: it sent its input"
	stop_rogue
}

realm_make
lab_realm
lab_ca "$R/hosts" "/CN=Lab hosts"
lab_crl "$R/hosts" "$R/hosts.crl"
CLIENT_OPTIONS=(-o "ca=$R/hosts/ca.crt" -o "crl=$R/hosts.crl")
AT_END=stop_rogue

echo "the control: certlogind with a certificate of that CA"
lab_issue "$R/hosts" proper extendedKeyUsage=serverAuth \
    subjectAltName=DNS:localhost
set_conf certificate "$R/proper/proper.crt"
set_conf key "$R/proper/proper.key"
daemon_start
client alice "${CLIENT_OPTIONS[@]}" alice@localhost cat <<<"hello"
[ "$rc" -eq 0 ] && [ "$(cat "$R/out")" = hello ] ||
    give_up "the proper server is not accepted"
daemon_stop

rogue wrong-name 'name' 'alert' subjectAltName=DNS:elsewhere.example
rogue name-in-cn 'name' 'alert' subjectAltName= subject=/CN=localhost
rogue wildcard 'name' 'alert' 'subjectAltName=DNS:*'
rogue expired 'expired' 'alert' from=20200101000000Z to=20210101000000Z
rogue not-yet 'not yet' 'alert' from=20400101000000Z to=20410101000000Z
rogue client-auth 'purpose|usage' 'alert' extendedKeyUsage=clientAuth
rogue no-eku 'purpose|usage' 'alert' extendedKeyUsage=
lab_ca "$R/otherhosts" "/CN=Lab hosts"
lab_issue "$R/otherhosts" other-ca extendedKeyUsage=serverAuth \
    subjectAltName=DNS:localhost
rogue other-ca 'unknown|not signed|issuer|trust' 'alert'
lab_issue "$R/hosts" revoked extendedKeyUsage=serverAuth \
    subjectAltName=DNS:localhost
lab_revoke "$R/hosts" revoked
lab_crl "$R/hosts" "$R/hosts.crl"
rogue revoked 'revoked' 'alert'
