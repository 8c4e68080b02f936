#!/bin/bash
# Hands the options of a runner of verification vectors to certlogin-map
# verify, with a trust.conf made for each vector:
#
#	--ca-file F	anchors of the only authority
#	--cert F	the chain, leaf first
#	--crl-file F	its CRLs (revocation = require; none without)
#	--time T	--at T
#	--purpose client|server|any	class user or host; any: --skip purpose
#	--hostname H	--host H, for a server
#
# Exit 0 accepted, 1 refused, anything else an error.  CERTLOGIN_MAP names the
# program.
set -eu

map=${CERTLOGIN_MAP:-certlogin-map}
class=user ca='' cert='' crl='' host='' at=() skip=() server=()
while [ $# -gt 1 ]; do
	case $1 in
	--ca-file) ca=$2 ;;
	--cert) cert=$2 ;;
	--crl-file) crl=$2 ;;
	--time) at=(--at "$2") ;;
	--hostname) host=$2 ;;
	--purpose)
		[ "$2" != server ] || class=host
		[ "$2" != any ] || skip=(--skip purpose)
		;;
	--email|--max-depth) ;;
	*)
		echo "unknown option $1"
		exit 2
		;;
	esac
	shift 2
done
[ "$class" = user ] || server=(--server ${host:+--host "$host"})

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$ca" "$work/ca.pem"
{
	echo "[authority vector]"
	echo "class = $class"
	echo "anchor = ca.pem"
	if [ -n "$crl" ]; then
		cp "$crl" "$work/crl.pem"
		echo "crl = crl.pem"
	else
		echo "revocation = none"
	fi
} >"$work/trust.conf"

rc=0
"$map" --trust "$work/trust.conf" verify --cert "$cert" "${at[@]}" \
    "${skip[@]}" "${server[@]}" >"$work/out" 2>"$work/err" || rc=$?
cat "$work/out" "$work/err"
# Two refusals are errors there and say nothing of the chain: an anchor that
# is not taken into the trust, and more certificates than are read.
if grep -qE "error: anchor ca\.pem of authority 'vector': " "$work/err"; then
	[ "$rc" -ne 3 ] || rc=1
elif grep -qE 'at most [0-9]+ of CERTIFICATE$' "$work/err"; then
	[ "$rc" -ne 2 ] || rc=1
fi
exit "$rc"
