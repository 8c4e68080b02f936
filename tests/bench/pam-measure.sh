#!/bin/bash
# The measuring part of tests/bench/pam.
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

# what pam_p11 and pam_pkcs11 need
rivals()
{
	local crt=$R/$1/$1.crt

	mkdir -p "$R/home/alice/.eid" "$R/cacerts"
	cp "$crt" "$R/home/alice/.eid/authorized_certificates"
	chown -R alice:alice "$R/home/alice/.eid"
	cp "$R/lab/ca.crt" "$R/cacerts/lab.pem"
	openssl rehash "$R/cacerts" >/dev/null
	cat >"$R/pkcs11.conf" <<-END
	pam_pkcs11 {
	  nullok = false;
	  debug = false;
	  use_first_pass = false;
	  try_first_pass = false;
	  use_authtok = false;
	  use_pkcs11_module = bench;
	  screen_savers = none;
	  pkcs11_module bench {
	    module = $SOFTHSM;
	    slot_num = 0;
	    ca_dir = $R/cacerts;
	    crl_dir = $R/cacerts;
	    cert_policy = ca,signature;
	  }
	  use_mappers = cn;
	  mapper_search_path = /lib/pam_pkcs11;
	  mapper cn {
	    debug = false;
	    module = internal;
	    ignorecase = false;
	    mapfile = file://$R/cn.map;
	  }
	}
	END
	echo "$1 -> alice" >"$R/cn.map"
	echo 'auth required pam_permit.so' >/etc/pam.d/empty
	echo "auth required pam_p11.so $SOFTHSM" >/etc/pam.d/p11
	echo "auth required pam_pkcs11.so config_file=$R/pkcs11.conf" \
	    >/etc/pam.d/pkcs11
	echo "auth required $SO conf=$R/etc/pam.conf" >/etc/pam.d/ours
}

pam_make
lab_realm
set_pam debug no
export SOFTHSM2_CONF=$R/softhsm2.conf
echo 1234 >"$R/pin"
missed=0
printf '%-8s %10s %10s %10s %10s   milliseconds, empty run %s\n' key \
    certlogin pam_p11 pam_pkcs11 driver 'taken off'
declare -A scheme=([rsa2048]=0401 [P-256]=0403)
for kind in rsa2048 P-256; do
	lab_issue "$R/lab" "k$kind" "key=$kind"
	card_of "k$kind"
	rivals "k$kind"
	names=(empty ours p11 pkcs11)
	for name in "${names[@]}"; do
		pamtester "$name" alice authenticate <"$R/pin" \
		    >"$R/err" 2>&1 || {
			[ "$name" != ours ] && [ "$name" != empty ] ||
			    give_up "$name does not work"
			names=("${names[@]/$name/}")
		}
	done
	commands=()
	for name in "${names[@]}"; do
		[ -z "$name" ] || commands+=(\; pamtester "$name" alice
		    authenticate)
	done
	# a process that does nothing but what it asks the driver for
	names+=(driver)
	commands+=(\; "$BUILD/tests/tools/p11bare" "$SOFTHSM"
	    "${scheme[$kind]}")
	python3 "$SRC/tests/bench/clock.py" --runs "$RUNS" --stdin "$R/pin" \
	    -- "${commands[@]:1}" >"$R/seen"
	line=0
	declare -A ms=()
	for name in "${names[@]}"; do
		[ -n "$name" ] || continue
		line=$((line + 1))
		ms[$name]=$(awk -v n=$line 'NR == n { print $1 * 1000 }' \
		    "$R/seen")
	done
	for name in ours p11 pkcs11; do
		[ -z "${ms[$name]:-}" ] ||
		    ms[$name]=$(awk "BEGIN { printf \"%.1f\", \
		    ${ms[$name]} - ${ms[empty]} }")
	done
	printf '%-8s %10s %10s %10s %10.1f\n' "$kind" "${ms[ours]}" \
	    "${ms[p11]:-fails}" "${ms[pkcs11]:-fails}" "${ms[driver]}"
	[ -n "${ms[p11]:-}" ] || exit 3
	awk "BEGIN { exit !(${ms[ours]} <= ${ms[p11]}) }" || missed=1
done
exit $missed
