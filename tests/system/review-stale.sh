#!/bin/bash
# A CRL runs out while people are logged in: their sessions stay, though no
# new login is possible, and end where on-stale is end.
# also-in: no-sandbox
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/lab.sh
. "$SRC/tests/lib/lab.sh"
# shellcheck source=tests/lib/review.sh
. "$SRC/tests/lib/review.sh"

SECONDS_LEFT=10

is_past()
{
	[ "$(date +%s)" -gt "$1" ]
}

# short_crl: of both authorities, for some seconds; sets end
short_crl()
{
	lab_crl "$R/lab" "$R/etc/crl/lab.crl" -crlsec $SECONDS_LEFT
	lab_crl "$R/lab2" "$R/etc/crl/lab2.crl" -crlsec $SECONDS_LEFT
	end=$(($(date +%s) + SECONDS_LEFT))
	log_mark
	control reload >"$R/out" || give_up "reload: exit $?"
}

realm_make
review_make
lab_realm
lab_ca "$R/lab2" "/CN=Lab users who end"
lab_crl "$R/lab2" "$R/etc/crl/lab2.crl"
cp "$R/lab2/ca.crt" "$R/etc/ca/lab2.crt"
sed -n '/^\[authority lab\]/,$p' "$R/etc/trust.conf" |
    sed 's/lab\([].]\)/lab2\1/' | sed 's/lab2\.example/lab.example/' \
    >"$R/lab2.conf"
echo 'on-stale   = end' >>"$R/lab2.conf"
{
	echo
	cat "$R/lab2.conf"
} >>"$R/etc/trust.conf"
echo 'allow user lab2 uri=spiffe://lab.example/user/{name} as {name}' \
    >>"$R/etc/identity.map"
lab_issue "$R/lab2" end
daemon_start
without keep good alice
without end end alice

echo "renewed in time"
short_crl
judged_again
lab_crl "$R/lab2" "$R/etc/crl/lab2.crl"
control reload >"$R/out" || give_up "reload: exit $?"
wait_for 20 is_past $((end + 1)) || give_up "no end"
stays keep end
refused good alice 'list of revoked ones' 'stale'
admitted end alice

echo "not renewed"
short_crl
without late end alice
is_past $end || wait_for 20 is_past $end || give_up "no end"
BEGAN=$(((end + 1) * 1000))
ended end 'whether the certificate is revoked cannot be told'
ended late 'whether the certificate is revoked cannot be told'
log_has 'ended: account=alice .*: stale: .*on-stale of authority lab2 is end' ||
    give_up "not logged"
stays keep
refused end alice 'list of revoked ones' 'stale'

echo "also by a reload, and by a restart"
control reload >"$R/out" || give_up "reload: exit $?"
judged_again
stays keep
daemon_stop
daemon_start
wait_for 10 eval 'control status | grep -qE "sessions +1"' ||
    give_up "the session was not found again"
refused good alice 'list of revoked ones' 'stale'
stays keep
lab_crl "$R/lab" "$R/etc/crl/lab.crl"
control reload >"$R/out" || give_up "reload: exit $?"
admitted good alice
stays keep
