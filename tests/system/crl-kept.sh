#!/bin/bash
# What was seen of a CA's CRLs is kept: one that is rolled back or dated into
# the future is refused by certlogind, across its restart, by the PAM module
# and by certlogin-map, and spoils nothing; certloginctl crl-accept takes the
# CRL of a CA that was restored from a backup, with a daemon and without.
# also-in: sanitizers
# limit: 240
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

CRL=$R/etc/crl/lab.crl

# ctl STATUS REGEX ARGUMENT…: certloginctl
ctl()
{
	local want=$1 regex=$2 rc=0

	shift 2
	control "$@" >"$R/out" 2>&1 || rc=$?
	[ "$rc" -eq "$want" ] ||
	    give_up "$*: exit $rc, not $want: $(cat "$R/out")"
	tr '\n' ' ' <"$R/out" | grep -qE -- "$regex" ||
	    give_up "$* does not say '$regex': $(cat "$R/out")"
}

# map STATUS REGEX COMMAND…: certlogin-map as it is asked before a change
map()
{
	local want=$1 regex=$2 rc=0

	shift 2
	certlogin-map --map "$R/etc/identity.map" --trust "$R/etc/trust.conf" \
	    --state-dir "$R/state" "$@" >"$R/out" 2>&1 || rc=$?
	[ "$rc" -eq "$want" ] ||
	    give_up "map $*: exit $rc, not $want: $(cat "$R/out")"
	grep -qE -- "$regex" "$R/out" ||
	    give_up "map $* does not say '$regex': $(cat "$R/out")"
}

# all_in, all_out LOG: alice of the lab, at every door; others go on
all_in()
{
	admitted good alice
	file_of good alice
	lets_in alice try "$PASS"
	map 0 '^allowed' test --cert "$R/good/good.crt"
}

all_out()
{
	refused good alice 'revo|CRL' 'CRL'
	file_of good alice
	keeps_out 'revo|CRL' CRL alice try "$PASS"
	not_asked
	map 1 'check +revocation' test --cert "$R/good/good.crt"
	map 0 "$1" check
	map 1 'FAILED +revocation' verify --cert "$R/good/good.crt"
	admitted alice alice
	file_of alice alice
	lets_in alice try "$PASS"
}

# reload_keeps REGEX: the CRL that was loaded stays
reload_keeps()
{
	ctl 1 "$1" reload
	admitted good alice
}

restart()
{
	daemon_stop
	daemon_start
}

pam_make
service try source=file file=%h/id.pem
lab_realm
daemon_start
all_in
cp "$CRL" "$R/older.crl"
lab_crl "$R/lab" "$CRL"
cp "$CRL" "$R/newer.crl"
daemon_reload
all_in

echo "rolled back: a running certlogind keeps what it has, all else refuses"
cp "$R/older.crl" "$CRL"
reload_keeps 'rolled back: a later CRL .*crl-accept.*stays in force'
restart
all_out 'rolled back'
restart
all_out 'rolled back'
cp "$R/newer.crl" "$CRL"
restart
all_in

echo "three days ahead: refused, and it spoils nothing"
lab_crl "$R/lab" "$CRL" -crl_lastupdate \
    "$(date -u -d '3 days' +%Y%m%d%H%M%SZ)" -crl_nextupdate \
    "$(date -u -d '9 days' +%Y%m%d%H%M%SZ)"
reload_keeps 'in the future.*stays in force'
restart
all_out 'in the future'
cp "$R/newer.crl" "$CRL"
restart
all_in

echo "a CA restored from its backup"
cp "$R/older.crl" "$CRL"
ctl 1 'is no authority' crl-accept nosuch
ctl 2 'expected an AUTHORITY' crl-accept
setpriv --reuid=42003 --regid=42003 --clear-groups \
    "$BUILD/inst/sbin/certloginctl" -f "$R/etc/certlogind.conf" crl-accept \
    lab >"$R/out" 2>&1 && give_up "carol accepted a CRL"
grep -q 'needs uid 0' "$R/out" || give_up "said: $(cat "$R/out")"
restart
all_out 'rolled back'
log_mark
ctl 0 'forgot .*authority lab.*certlogind has taken' crl-accept lab
wait_log 'certloginctl\[[0-9]+\]: crl-accept authority=lab in .*by=root uid=0' ||
    give_up "no audit line"
all_in
restart
all_in
echo "... and what it makes from then on counts as ever"
cp "$R/newer.crl" "$CRL"
restart
all_in
cp "$R/older.crl" "$CRL"
restart
all_out 'rolled back'

echo "... and of a certlogind that goes by the one before"
cp "$R/newer.crl" "$CRL"
restart
cp "$R/older.crl" "$CRL"
reload_keeps 'rolled back.*stays in force'
ctl 1 'crl-carried +yes' status
ctl 0 'forgot .*certlogind has taken' crl-accept lab
ctl 0 'crl-carried' status
! grep -qE 'crl-carried +yes' "$R/out" || give_up "still carried over"
all_in
cp "$R/newer.crl" "$CRL"
restart
cp "$R/older.crl" "$CRL"
restart
all_out 'rolled back'

echo "other authorities keep what was seen of theirs"
cp "$R/etc/crl/user.crl" "$R/user-older.crl"
ca revoke --id user/carol
ca export --out "$R/etc"
restart
daemon_stop
cp "$R/user-older.crl" "$R/etc/crl/user.crl"
ctl 0 'forgot .*authority lab' crl-accept lab
daemon_start
refused alice alice 'revo|CRL' 'CRL'
admitted good alice

echo "without a daemon"
cp "$R/newer.crl" "$CRL"
ca export --out "$R/etc"
restart
all_in
daemon_stop
cp "$R/older.crl" "$CRL"
file_of good alice
keeps_out 'revo|CRL' 'rolled back' alice try "$PASS"
ctl 0 'forgot .*no certlogind runs here' crl-accept lab
lets_in alice try "$PASS"
mv "$CRL" "$R/gone.crl"
ctl 1 "no usable CRL.*put the CA's new one" crl-accept lab
cp "$R/newer.crl" "$CRL"
lets_in alice try "$PASS"
cp "$R/older.crl" "$CRL"
keeps_out 'revo|CRL' 'rolled back' alice try "$PASS"
