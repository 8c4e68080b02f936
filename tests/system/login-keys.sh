#!/bin/bash
# Keys of every kind and in every file form log in, unattended: both sides
# with P-256, RSA and Ed25519; PEM, encrypted PKCS#8, PKCS#12; and the server
# is checked against the host authority of trust.conf where no ca is named.
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

# run ARGUMENT…: the client with nothing but these, the home folder's files
# and no terminal
run()
{
	log_mark
	rc=0
	timeout 60 setsid certlogin -p "$PORT" -F /dev/null "$@" \
	    </dev/null >"$R/out" 2>"$R/err" || rc=$?
}

gets_in()
{
	[ "$rc" -eq 0 ] || give_up "exit $rc"
	[ "$(cat "$R/out")" = "$1" ] || give_up "became '$(cat "$R/out")'"
}

stays_out()
{
	[ "$rc" -eq 255 ] || give_up "exit $rc, not 255"
	[ ! -s "$R/out" ] || give_up "there was output"
	grep -qE -- "$1" "$R/err" || give_up "the client does not say '$1'"
}

# host_with TYPE: certlogind with a key of this type
host_with()
{
	ca issue host localhost --ip 127.0.0.1 --key-type "$1" \
	    --out "$R/host-$1"
	set_conf certificate "$R/host-$1/localhost.crt"
	set_conf key "$R/host-$1/localhost.key"
	daemon_start
}

# secret NAME TEXT: a file that only its owner reads
secret()
{
	(umask 077 && echo "$2" >"$R/$1")
}

realm_make
for type in p256 rsa3072 ed25519; do
	ca issue user alice --key-type $type --out "$R/user-$type"
	cp "$R/alice/ca.crt" "$R/user-$type"
done

for host in rsa3072 ed25519 p256; do
	host_with $host
	for user in p256 rsa3072 ed25519; do
		echo "host $host, user $user"
		run -o "ca=$R/alice/ca.crt" -i "$R/user-$user/alice.crt" \
		    alice@localhost id -un
		gets_in alice
	done
	[ $host = p256 ] || daemon_stop
done

export HOME=$R/me
mkdir -m 0700 "$HOME" "$HOME/.certlogin"
cp "$R/alice/ca.crt" "$HOME/.certlogin/ca.crt"
secret pass opens-the-key
secret wrong opens-nothing

echo "certificate and key named apart"
cp "$R/alice/alice.key" "$R/elsewhere.key"
run -i "$R/alice/alice.crt:$R/elsewhere.key" alice@localhost id -un
gets_in alice
run -i "$R/alice/alice.crt:$R/bob/bob.key" alice@localhost id -un
stays_out 'key'

echo "an encrypted key of a device"
mkdir "$R/sealed"
cp "$R/meter/meter.crt" "$R/sealed/meter.crt"
(umask 077 && openssl pkcs8 -topk8 -v2 aes-256-cbc \
    -passout "file:$R/pass" -in "$R/meter/meter.key" \
    -out "$R/sealed/meter.key")
grep -q 'BEGIN ENCRYPTED' "$R/sealed/meter.key" || give_up "not encrypted"
run -o batchmode=yes -o "passphrase-file=$R/pass" -i "$R/sealed/meter.crt" \
    localhost id -un
gets_in ingest
run -o batchmode=yes -i "$R/sealed/meter.crt" localhost id -un
stays_out 'passphrase-file'
run -i "$R/sealed/meter.crt" localhost id -un
stays_out 'passphrase'
run -o "passphrase-file=$R/wrong" -i "$R/sealed/meter.crt" localhost id -un
stays_out 'passphrase'
chmod 0644 "$R/pass"
run -o "passphrase-file=$R/pass" -i "$R/sealed/meter.crt" localhost id -un
stays_out 'chmod 600'
chmod 0600 "$R/pass"

echo "PKCS#12, as certlogin-ca makes it"
ca issue user bob --p12 --p12-passphrase-file "$R/pass" --out "$R/packed"
run -o "passphrase-file=$R/pass" -i "$R/packed/bob.p12" bob@localhost id -un
gets_in bob
run -o "passphrase-file=$R/wrong" -i "$R/packed/bob.p12" bob@localhost id -un
stays_out 'passphrase'

echo "the usual files, by their name"
run alice@localhost id -un
stays_out 'certificate'
install -m 0600 "$R/packed/bob.p12" "$HOME/.certlogin/id.p12"
run -o "passphrase-file=$R/pass" bob@localhost id -un
gets_in bob
install -m 0600 "$R/alice/alice.key" "$HOME/.certlogin/id.key"
cp "$R/alice/alice.crt" "$HOME/.certlogin/id.crt"
run localhost id -un
gets_in alice

echo "the host authority of trust.conf, with its CRL"
rm "$HOME/.certlogin/ca.crt"
run -v -o "trust=$R/etc/trust.conf" localhost id -un
gets_in alice
ca revoke --id host/localhost
ca export --out "$R/etc"
run -o "trust=$R/etc/trust.conf" localhost id -un
stays_out 'revoked'
