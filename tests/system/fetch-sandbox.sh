#!/bin/bash
# certlogin-fetch runs as a user of its own, without capabilities, in a filter,
# with nothing of certloginctl's; and the timer's unit leaves fetch-crls the
# rights that it needs.
set -eu
# shellcheck source=tests/lib/fetch.sh
. "$SRC/tests/lib/fetch.sh"

field()
{
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$pid/status"
}

filtered()
{
	[ "$(field Seccomp)" = 2 ]
}

helper_runs()
{
	pid=$(pgrep -u $FETCH_USER)
}

# the names of the tool that a `Key=A B` of the unit stands for
unit()
{
	sed -n "s/^$1=//p" \
	    "$BUILD/inst/lib/systemd/system/certlogin-fetch-crls.service"
}

fetch_make
server 8080
crl_url "$URL/drip"
CANARY=of-the-tool certloginctl -f "$R/etc/certlogind.conf" fetch-crls \
    >"$R/out" 2>"$R/err" &
tool=$!
wait_for 10 helper_runs || give_up "no helper runs"
wait_for 10 filtered || give_up "it runs without a filter"
uid=$(id -u $FETCH_USER)
for ids in Uid Gid; do
	[ "$(field $ids)" = "$uid	$uid	$uid	$uid" ] ||
	    give_up "$ids: $(field $ids)"
done
[ -z "$(field Groups | tr -d ' ')" ] || give_up "groups: $(field Groups)"
[ "$(field NoNewPrivs)" = 1 ] || give_up "it could gain privileges"
for set in CapEff CapPrm CapInh CapAmb; do
	[ "$(field $set)" = 0000000000000000 ] ||
	    give_up "$set: $(field $set)"
done
[ -z "$(tr -d '\0' <"/proc/$pid/environ")" ] || give_up "an environment"
[ "$(tr '\0' ' ' <"/proc/$pid/cmdline")" = "certlogin-fetch " ] ||
    give_up "arguments: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
for fd in "/proc/$pid/fd"/*; do
	case $(readlink "$fd") in
	/dev/null|socket:*|pipe:*|anon_inode:\[eventfd\]) ;;
	*) give_up "a descriptor of $(readlink "$fd")" ;;
	esac
done
[ "$(find "/proc/$pid/fd" -lname 'pipe:*' | wc -l)" -eq 1 ] ||
    give_up "more pipes than one"
kill $tool
wait $tool || :
crl_url "$URL/lab.crl"

echo "by the rights that the unit leaves"
command -v setpriv >/dev/null
caps=$(unit CapabilityBoundingSet | sed 's/CAP_/+/g' | tr 'A-Z ' 'a-z,')
[ "$caps" = +setuid,+setgid,+sys_chroot,+kill,+chown ] ||
    give_up "the unit has '$caps'"
[ "$(unit ExecStart)" = "$BUILD/inst/sbin/certloginctl fetch-crls" ] ||
    give_up "the unit starts '$(unit ExecStart)'"
newer
chgrp alice "$CRL"
setpriv --bounding-set="-all,$caps" --inh-caps=-all --no-new-privs \
    certloginctl -f "$R/etc/certlogind.conf" fetch-crls >"$R/out" \
    2>"$R/err" || give_up "exit $?: $(cat "$R/err")"
cmp "$R/web/lab.crl" "$CRL" || give_up "it is not in place"
[ "$(stat -c %G "$CRL")" = alice ] || give_up "another group"

if command -v systemd-analyze >/dev/null; then
	echo "systemd's word"
	systemd-analyze verify --man=no \
	    "$BUILD"/inst/lib/systemd/system/certlogin-fetch-crls.* \
	    >"$R/out" 2>&1 || give_up "systemd-analyze: $(cat "$R/out")"
	! grep certlogin "$R/out" || give_up "systemd-analyze complains"
fi
