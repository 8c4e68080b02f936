#!/bin/bash
# The host's certificate and key are renewed by replacing the files, one behind
# the other: a pair that does not fit is not taken, and the next one is when
# both are there.
# also-in: no-sandbox
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

CRT=$R/host/localhost.crt
KEY=$R/host/localhost.key

# serial of the certificate that the server shows
serial()
{
	openssl s_client -connect "127.0.0.1:$PORT" -tls1_3 \
	    -alpn certlogin/1 </dev/null 2>/dev/null |
	    openssl x509 -noout -serial
}

is_new()
{
	[ "$(serial)" != "$before" ]
}

# renew DIR: a new pair in it
renew()
{
	before=$(serial)
	[ -n "$before" ] || give_up "no certificate"
	ca issue host localhost --ip 127.0.0.1 --out "$R/$1"
	log_mark
}

# stays FILE: it was replaced alone, and what was in force goes on
stays()
{
	wait_log 'host key: .*stays in force' || give_up "$1 alone: no word"
	! is_new || give_up "$1 alone: another certificate"
	admitted alice alice
	control status >"$R/status" 2>&1 || true
	grep -E '^ *last-error' "$R/status" | grep -q 'host key' ||
	    give_up "status: $(cat "$R/status")"
	log_mark
}

# counts WHAT: the new pair is in force in time
counts()
{
	local start ms

	start=$(date +%s%3N)
	wait_log 'host certificate and key loaded' || give_up "$1: not loaded"
	ms=$(($(date +%s%3N) - start))
	echo "$1: $ms ms"
	[ "$ms" -le 2000 ] || give_up "$1 counted after $ms ms"
	is_new || give_up "$1: still the old certificate"
	admitted alice alice
}

realm_make
daemon_start
admitted alice alice

renew one
mv "$R/one/localhost.crt" "$CRT"
stays certificate
mv "$R/one/localhost.key" "$KEY"
counts "certificate, then key, renamed"

renew two
cat "$R/two/localhost.key" >"$KEY"
stays key
cat "$R/two/localhost.crt" >"$CRT"
counts "key, then certificate, written"

renew three
mv "$R/three/localhost.crt" "$CRT"
mv "$R/three/localhost.key" "$KEY"
counts "both at once"
! log_has 'stays in force' || give_up "the pair was taken apart"

echo "a key that others can read is refused, and taken when they cannot"
before=$(serial)
log_mark
chmod 0644 "$KEY"
wait_log 'can be read by others' || give_up "no word about the key's mode"
admitted alice alice
log_mark
chmod 0600 "$KEY"
wait_log 'host certificate and key loaded' || give_up "not loaded"
admitted alice alice

# encrypt PASSPHRASE: the key as it is now, in a file beside
encrypt()
{
	(umask 077 && openssl pkcs8 -topk8 -v2 aes-256-cbc -in "$R/plain.key" \
	    -passout "pass:$1" -out "$R/next.key")
}

echo "an encrypted key: the file with its PIN counts as well"
before=none
cp -p "$KEY" "$R/plain.key"
(umask 077 && echo first >"$R/pin")
encrypt first
set_conf key-pin-file "$R/pin"
mv "$R/next.key" "$KEY"
daemon_reload
admitted alice alice
encrypt second
log_mark
mv "$R/next.key" "$KEY"
wait_log 'host key: .*stays in force' || give_up "key alone: no word"
admitted alice alice
log_mark
echo second >"$R/pin"
counts "the PIN's file, behind its key"

echo "the policy was not touched by all that"
! grep -q 'policy loaded' "$R/log" || give_up "it was loaded"
