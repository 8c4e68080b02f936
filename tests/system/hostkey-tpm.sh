#!/bin/bash
# The host's key in a TPM, by tpm2-pkcs11 and a TPM in software.
# limit: 180
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

so=$(find /usr/lib -name libtpm2_pkcs11.so | head -n 1)
for t in swtpm tpm2_ptool tpm2-abrmd dbus-daemon certtool; do
	command -v $t >/dev/null || { echo "$t is missing"; exit 77; }
done
[ -n "$so" ] || { echo "libtpm2_pkcs11.so is missing"; exit 77; }

STORE=/etc/tpm2_pkcs11	# where the driver looks without an environment
TPM=2321			# and the TPM, if none is in hardware
started=()

stop_tpm()
{
	local pid

	for pid in "${started[@]}"; do
		kill "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
}

tpm_listens()
{
	[ -n "$(ss -Hltn "sport = :$TPM")" ]
}

# a TPM, and the resource manager that making keys needs
start_tpm()
{
	mkdir "$R/tpm" "$STORE"
	swtpm socket --tpm2 --tpmstate "dir=$R/tpm" \
	    --ctrl "type=tcp,port=$((TPM + 1))" \
	    --server "type=tcp,port=$TPM" \
	    --flags not-need-init,startup-clear >"$R/swtpm.log" 2>&1 &
	started+=($!)
	dbus-daemon --session --nofork --nopidfile \
	    --address="unix:path=$R/bus.sock" >"$R/bus.log" 2>&1 &
	started+=($!)
	wait_for 10 test -S "$R/bus.sock" || give_up "no bus"
	wait_for 10 tpm_listens || give_up "no TPM: $(cat "$R/swtpm.log")"
	export DBUS_SESSION_BUS_ADDRESS=unix:path=$R/bus.sock TSS2_LOG=all+none
	export TPM2TOOLS_TCTI=tabrmd:bus_type=session
	export TPM2_PKCS11_TCTI=tabrmd:bus_type=session TPM2_PKCS11_STORE=$STORE
	tpm2-abrmd --session --allow-root --tcti="swtpm:port=$TPM" \
	    >"$R/abrmd.log" 2>&1 &
	manager=$!
	wait_for 10 ptool init || give_up "$(cat "$R/ptool")"
}

ptool()
{
	tpm2_ptool "$@" --path="$STORE" >"$R/ptool" 2>&1
}

token()
{
	wait_for 20 ptool addtoken --pid=1 --label=host --sopin=5678 \
	    --userpin=1234 || give_up "addtoken: $(cat "$R/ptool")"
	ptool addkey --algorithm=ecc256 --label=host --key-label=p256 \
	    --userpin=1234 || give_up "addkey: $(cat "$R/ptool")"
	printf 'cn = localhost\n' >"$R/template"
	GNUTLS_PIN=1234 certtool --provider "$so" --generate-request \
	    --load-privkey "pkcs11:token=host;object=p256;type=private" \
	    --load-pubkey "pkcs11:token=host;object=p256;type=public" \
	    --template "$R/template" --outfile "$R/p256.csr" \
	    >"$R/certtool" 2>&1 || give_up "no request: $(cat "$R/certtool")"
}

realm_make
AT_END=stop_tpm
start_tpm
token
kill "$manager"
wait "$manager" || :
chown -R 62003:62003 "$STORE"
ca sign host localhost "$R/p256.csr" --ip 127.0.0.1 --out "$R/p256"
(umask 077 && echo 1234 >"$R/pin")
set_conf certificate "$R/p256/localhost.crt"
set_conf key "pkcs11:token=host;object=p256;type=private"
set_conf key-module "$so"
set_conf key-pin-file "$R/pin"
# for this TPM, which is reached by TCP; one in hardware needs no network
set_conf hostkey-network yes
unset TPM2_PKCS11_TCTI TPM2_PKCS11_STORE TPM2TOOLS_TCTI DBUS_SESSION_BUS_ADDRESS
daemon_start

echo "logins with the key in the TPM"
admitted alice alice
admitted bob bob
grep -q libtpm2_pkcs11 "/proc/$(pgrep -P "$DAEMON" certlogin-hostk)/maps" ||
    give_up "where is the driver?"

echo "the TPM is gone: a clear refusal"
kill "${started[0]}"
refused alice alice 'something is wrong on the server' 'host key'
