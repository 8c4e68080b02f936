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
admitted leaver alice
MARK=$mark
! log_has 'policy loaded' || give_up "loaded before its time"
wait_log 'policy loaded' || give_up "not loaded when its time had come"
refused leaver alice revoked revoked
admitted good alice
