#!/bin/bash
# One authority's CRL is missing, unreadable, damaged, forged or rolled back:
# what was revoked by the one before stays revoked, and what else has changed
# counts at once, for live sessions too: a lock, a deny, another authority's
# CRL.  It is said until a good one is there; who starts without it keeps that
# authority out.
# also-in: no-sandbox sanitizers
# limit: 240
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/lab.sh
. "$SRC/tests/lib/lab.sh"
# shellcheck source=tests/lib/review.sh
. "$SRC/tests/lib/review.sh"

CRL=$R/etc/crl/lab.crl

is_past()
{
	[ "$(date +%s)" -gt "$1" ]
}

# ctl STATUS REGEX ARGUMENT…: certloginctl
ctl()
{
	local want=$1 regex=$2 rc=0

	shift 2
	control "$@" >"$R/out" 2>"$R/err" || rc=$?
	[ "$rc" -eq "$want" ] ||
	    give_up "$*: exit $rc, not $want: $(cat "$R/out")"
	cat "$R/out" "$R/err" | tr '\n' ' ' | grep -qE -- "$regex" ||
	    give_up "$* does not say '$regex': $(cat "$R/out")"
}

# marked REGEX: status and metrics show the problem
marked()
{
	ctl 1 "crl-problem +CRL crl/lab\.crl: .*$1" status
	ctl 1 "crl-carried +yes" status
	ctl 1 'stays in force; copy the CA.s newest one there' status
	ctl 0 'certlogin_crl_carried\{authority="lab"\} 1' status --metrics
	ctl 0 'certlogin_crl_carried\{authority="user"\} 0' status --metrics
	ctl 0 'certlogin_crl_usable\{authority="lab"\} 0' status --metrics
	ctl 0 'certlogin_last_reload_successful 0' status --metrics
}

unmarked()
{
	control status >"$R/out" || give_up "status: exit $?: $(cat "$R/out")"
	! grep -qE 'crl-(problem|carried) +[A-Za-z]' "$R/out" ||
	    give_up "status still has a problem: $(cat "$R/out")"
	ctl 0 'certlogin_crl_carried\{authority="lab"\} 0' status --metrics
	ctl 0 'certlogin_last_reload_successful 1' status --metrics
}

# breaks HOW REGEX: the lab's CRL, in one step; noticed without being asked
breaks()
{
	echo "$1"
	log_mark
	"$1"
	wait_log 'policy loaded' || give_up "the rest was not loaded"
	log_has "CRL crl/lab.crl of authority 'lab': .*$2" ||
	    give_up "no word about it"
	log_has "authority 'lab': .*stays in force" ||
	    give_up "not said what counts"
	admitted good alice
	refused leaver alice revoked revoked
	marked "$2"
	ctl 1 "loaded: .* rules, .* authorities; but authority lab: CRL crl/lab\.crl: .*$2.*stays in force, its nextUpdate is 20.*put the CA.s newest CRL" \
	    reload
	ctl 1 '"outcome":"the CRL that was loaded before stays' reload --json
}

mended()
{
	log_mark
	lab_crl "$R/lab" "$R/next.crl"
	mv "$R/next.crl" "$CRL"
	wait_log 'policy loaded' || give_up "not loaded"
	admitted good alice
	refused leaver alice revoked revoked
	unmarked
	ctl 0 'reload +done' reload
}

missing()
{
	rm "$CRL"
}

unreadable()
{
	install -m 600 "$R/good.crl" "$R/next.crl"
	mv "$R/next.crl" "$CRL"
}

damaged()
{
	head -c 100 "$R/good.crl" >"$R/next.crl"
	mv "$R/next.crl" "$CRL"
}

forged()
{
	lab_crl "$R/forger" "$R/next.crl"
	mv "$R/next.crl" "$CRL"
}

rolled_back()
{
	cp "$R/older.crl" "$R/next.crl"
	mv "$R/next.crl" "$CRL"
}

realm_make
review_make
lab_realm
lab_ca "$R/forger" "/CN=Lab users"
lab_issue "$R/lab" leaver
cp "$CRL" "$R/older.crl"
lab_revoke "$R/lab" leaver
lab_crl "$R/lab" "$CRL"
cp "$CRL" "$R/good.crl"
cat >>"$R/etc/identity.map" <<END
allow user user uri=spiffe://$REALM/user/carol as carol
END
daemon_start
admitted good alice
refused leaver alice revoked revoked
unmarked

breaks missing 'does not exist'
mended
breaks unreadable 'by its owner only'
mended
breaks forged 'forged or damaged'
mended
breaks rolled_back 'rolled back'
mended
breaks damaged 'expected -----END'

echo "a lock counts, and ends its session"
without lab good alice
without bobs bob bob
without carols carol carol
without alices alice alice
change
ctl 0 'locked by line .*counts from now on.*note: loaded: .*crl/lab\.crl: .*stays in force' \
    lock user "uri=spiffe://$REALM/user/bob"
ended bobs 'locked'
refused bob bob 'locked here' locked
stays lab carols alices

echo "a deny"
change
sed -i "\$a deny user user uri=spiffe://$REALM/user/carol" \
    "$R/etc/identity.map"
ended carols 'barred here'
refused carol carol 'barred here' denied
stays lab alices

echo "another authority's CRL"
ca revoke --id user/alice
change
ca export --out "$R/etc"
ended alices revoked
refused alice alice revoked revoked
stays lab
marked 'expected -----END'

echo "half a CRL, and whoever writes it hangs"
log_mark
exec 5>"$CRL"
head -c 100 "$R/good.crl" >&5
wait_log 'lab.crl is open for writing' || give_up "no word that it is waited for"
ctl 0 'unlocked: .*is over from now on' unlock user \
    "uri=spiffe://$REALM/user/bob"
admitted bob bob
ctl 0 'locked by line .*counts from now on.*note: .*stays in force' \
    lock user "uri=spiffe://$REALM/user/bob"
refused bob bob 'locked here' locked
log_mark
sed -i "/^deny .*carol/d" "$R/etc/identity.map"
wait_log 'policy loaded' || give_up "the map waits for the CRL"
admitted carol carol
admitted good alice
refused leaver alice revoked revoked
stays lab
log_mark
exec 5>&-
wait_log 'policy loaded' || give_up "not read when it was closed"
marked 'expected -----END'

echo "and an unlock"
ctl 0 'unlocked: .*is over from now on.*note: ' unlock user \
    "uri=spiffe://$REALM/user/bob"
admitted bob bob

echo "mended, nothing is left of it; the next CRL of the lab counts"
lab_revoke "$R/lab" good
change
mended_by=$R/next.crl
lab_crl "$R/lab" "$mended_by"
mv "$mended_by" "$CRL"
ended lab revoked
refused good alice revoked revoked
unmarked

echo "what is carried over runs out as it would have"
lab_issue "$R/lab" other
sed -i '/^crl  *= crl.lab\.crl/a on-stale   = end' "$R/etc/trust.conf"
log_mark
lab_crl "$R/lab" "$R/next.crl" -crlsec 8
end=$(($(date +%s) + 8))
mv "$R/next.crl" "$CRL"
wait_log 'policy loaded' || give_up "not loaded"
without late other alice
log_mark
damaged
wait_log "authority 'lab': .*stays in force" || give_up "not carried over"
admitted other alice
stays late
! is_past $end || give_up "this took too long to tell"
wait_for 20 is_past $end || give_up "no end"
BEGAN=$(((end + 1) * 1000))
ended late 'whether the certificate is revoked cannot be told'
refused other alice 'list of revoked ones' stale
ctl 1 'CRL of authority lab.*has expired' status
ctl 1 'its nextUpdate is 20' reload
log_mark
lab_crl "$R/lab" "$R/next.crl"
mv "$R/next.crl" "$CRL"
wait_log 'policy loaded' || give_up "not loaded"
admitted other alice
unmarked

echo "started anew without it: nobody of the lab"
damaged
wait_for 10 eval 'control status | grep -q "crl-carried  *yes"' ||
    give_up "not carried over"
admitted other alice
daemon_stop
daemon_start
refused other alice 'revo|CRL' CRL
admitted bob bob
ctl 1 'crl-problem' status
! grep -qE 'crl-carried +yes' "$R/out" || give_up "carried over a start"
ctl 1 'loaded: .*authority lab: .*that no CRL covers are refused' reload
