#!/bin/bash
# A CRL that is dated too far into the future is refused, the one in force
# stays, and it counts by itself when its time has come.
# also-in: no-sandbox
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/lab.sh
. "$SRC/tests/lib/lab.sh"

CRL=$R/etc/crl/lab.crl

# at SECONDS: that much behind now, as openssl wants it
at()
{
	date -u -d "now + $1 seconds" +%Y%m%d%H%M%SZ
}

loads()
{
	grep -c 'policy loaded' <(log_since) || true
}

loaded_twice()
{
	[ "$(loads)" -eq 2 ]
}

realm_make
lab_realm
lab_issue "$R/lab" leaver
daemon_start
admitted leaver alice

lab_revoke "$R/lab" leaver
lab_crl "$R/lab" "$R/next.crl" -crl_lastupdate "$(at $((86400 + 4)))" \
    -crl_nextupdate "$(at $((20 * 86400)))"
log_mark
mv "$R/next.crl" "$CRL"
mark=$MARK
wait_log 'stays in force' || give_up "not refused"
log_has 'in the future' || give_up "not said why"
wait_log 'policy loaded' || give_up "the rest is not loaded"
admitted leaver alice
MARK=$mark
[ "$(loads)" -eq 1 ] || give_up "loaded again before its time"
wait_log 'a CRL that was dated into the future may count now' ||
    give_up "not tried when its time had come"
wait_for 15 loaded_twice || give_up "not loaded"
refused leaver alice revoked revoked
admitted good alice
