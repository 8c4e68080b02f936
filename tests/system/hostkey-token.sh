#!/bin/bash
# The host's key on a PKCS#11 token: the driver runs in certlogin-hostkey
# alone, and logins go on as with a file.
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

so=/usr/lib/softhsm/libsofthsm2.so
for t in softhsm2-util pkcs11-tool certtool; do
	command -v $t >/dev/null || { echo "$t is missing"; exit 77; }
done
[ -e $so ] || { echo "$so is missing"; exit 77; }

# the copy of /etc that this test has: helpers get no environment
token()
{
	mkdir -p "$R/tokens" /etc/softhsm
	printf 'directories.tokendir = %s\nobjectstore.backend = file\n' \
	    "$R/tokens" >/etc/softhsm/softhsm2.conf
	chmod 0644 /etc/softhsm/softhsm2.conf
	chmod 0755 /etc/softhsm
	softhsm2-util --init-token --free --label host --pin 4711 \
	    --so-pin 5678 >/dev/null
}

# certificate TYPE NAME: a key on the token, signed by the realm's CA
certificate()
{
	pkcs11-tool --module $so --login --pin 4711 --token-label host \
	    --keypairgen --key-type "$1" --id 01 --label "$2" >/dev/null 2>&1
	printf 'cn = localhost\n' >"$R/template"
	GNUTLS_PIN=4711 certtool --provider $so --generate-request \
	    --load-privkey "pkcs11:token=host;object=$2;type=private" \
	    --load-pubkey "pkcs11:token=host;object=$2;type=public" \
	    --template "$R/template" --outfile "$R/$2.csr" >"$R/certtool" \
	    2>&1 || { cat "$R/certtool"; give_up "no request for $2"; }
	ca sign host localhost "$R/$2.csr" --ip 127.0.0.1 --out "$R/$2"
	set_conf certificate "$R/$2/localhost.crt"
	set_conf key "pkcs11:token=host;object=$2;type=private"
	chown -R 62003:62003 "$R/tokens"
}

realm_make
token
(umask 077 && echo 4711 >"$R/pin")
set_conf key-module $so
set_conf key-pin-file "$R/pin"
for type in EC:secp256r1 EC:secp384r1 rsa:2048; do
	echo "$type"
	certificate $type "key-${type#*:}"
	daemon_start
	admitted alice alice
	client bob bob@localhost 'head -c 1000000 /dev/zero | wc -c' </dev/null
	[ "$(cat "$R/out")" = 1000000 ] || give_up "exit $rc"
	! grep -q libsofthsm "/proc/$DAEMON/maps" ||
	    give_up "the driver is loaded in certlogind"
	for pid in $(pgrep -P "$DAEMON"); do
		case $(cat "/proc/$pid/comm") in
		certlogin-hostk*)
			grep -q libsofthsm "/proc/$pid/maps" ||
			    give_up "where is the driver?" ;;
		*)
			! grep -q libsofthsm "/proc/$pid/maps" ||
			    give_up "the driver is loaded in $pid" ;;
		esac
	done
	daemon_stop
done

echo "a wrong PIN is a refusal to start, in words"
(umask 077 && echo 9999 >"$R/pin")
if certlogind -f "$R/etc/certlogind.conf" -t >"$R/out" 2>&1; then
	give_up "-t accepts a wrong PIN"
fi
grep -qiE 'host key.*PIN' "$R/out" || give_up "said: $(cat "$R/out")"
