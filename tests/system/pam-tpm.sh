#!/bin/bash
# A key in a TPM (swtpm, tpm2-pkcs11) lets its owner in through the PAM module.
# limit: 240
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

M=/usr/lib/x86_64-linux-gnu/pkcs11/libtpm2_pkcs11.so
PIDS=()

tpm_end()
{
	local rc=$? p

	trap - EXIT
	for p in "${PIDS[@]}" "$SYSLOG"; do
		[ -z "$p" ] || kill "$p" 2>/dev/null || :
	done
	[ ! -s "$R/bus.pid" ] || kill "$(cat "$R/bus.pid")" 2>/dev/null || :
	wait || :
	exit $rc
}

pam_make
need_program swtpm tpm2_ptool tpm2-abrmd dbus-daemon certtool p11tool
[ -e $M ] || {
	echo "$M is missing"
	exit 77
}
trap tpm_end EXIT
mkdir "$R/tpm" "$R/store"
swtpm socket --tpm2 --tpmstate "dir=$R/tpm" \
    --ctrl "type=unixio,path=$R/t.sock.ctrl" \
    --server "type=unixio,path=$R/t.sock" \
    --flags not-need-init,startup-clear >"$R/swtpm.log" 2>&1 </dev/null &
PIDS+=($!)
wait_for 10 test -S "$R/t.sock" || give_up "no swtpm"
dbus-daemon --session --fork --print-address=3 --print-pid=4 \
    "--address=unix:path=$R/bus.sock" 3>"$R/bus.addr" 4>"$R/bus.pid" \
    </dev/null >/dev/null 2>&1
DBUS_SESSION_BUS_ADDRESS=$(cat "$R/bus.addr")
export DBUS_SESSION_BUS_ADDRESS
tpm2-abrmd --session --allow-root "--tcti=swtpm:path=$R/t.sock" \
    >"$R/abrmd.log" 2>&1 </dev/null &
PIDS+=($!)
export TPM2TOOLS_TCTI=tabrmd:bus_type=session
export TPM2_PKCS11_TCTI=tabrmd:bus_type=session
export TPM2_PKCS11_STORE=$R/store TSS2_LOG=all+none

# a resource manager is there when it answers
wait_for 20 eval 'tpm2_getcap properties-fixed >/dev/null 2>&1' ||
    give_up "no resource manager: $(cat "$R/abrmd.log")"
ptool()
{
	tpm2_ptool "$@" "--path=$R/store" >"$R/out" 2>&1 ||
	    give_up "tpm2_ptool $*: $(cat "$R/out")"
}
ptool init
ptool addtoken --pid=1 --label=tpm --sopin=5678 --userpin=1234
ptool addkey --algorithm=ecc256 --label=tpm --key-label=k --userpin=1234
lab_realm
lab_issue "$R/lab" ktpm
printf 'cn = ktpm\n' >"$R/t"
certtool --provider $M --generate-request --load-privkey \
    'pkcs11:token=tpm;object=k;type=private?pin-value=1234' \
    --template "$R/t" --outfile "$R/ktpm/tpm.csr" >"$R/out" 2>&1 ||
    give_up "$(cat "$R/out")"
openssl ca -config "$R/lab/ca.conf" -batch -notext -days 9 \
    -extfile "$R/ktpm/ktpm.ext" -extensions v -in "$R/ktpm/tpm.csr" \
    -out "$R/ktpm/tpm.crt" >"$R/out" 2>&1 || give_up "$(cat "$R/out")"
ptool addcert --label=tpm --key-label=k "$R/ktpm/tpm.crt"
kill "${PIDS[1]}"
wait "${PIDS[1]}" 2>/dev/null || :

# the helper talks to the TPM itself, as its own user
chown -R $P11_USER "$R/store" "$R/t.sock" "$R/t.sock.ctrl"
chmod 0700 "$R/store"
sed -i '/^module/d' "$R/etc/pam.conf"
set_pam module $M
for line in TPM2_PKCS11_STORE="$R/store" TSS2_LOG=all+none \
    TPM2_PKCS11_TCTI=swtpm:path="$R/t.sock"; do
	echo "module-env = $line" >>"$R/etc/pam.conf"
done

echo "the right PIN, a wrong one"
lets_in alice try 1234
grep -q 'PIN of tpm' "$R/err" || give_up "no prompt"
keeps_out 'wrong PIN' 'wrong PIN' alice try 9999
lets_in alice try 1234
