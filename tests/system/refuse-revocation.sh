#!/bin/bash
# A revoked certificate is refused, and without a CRL to trust so is everyone
# of its authority; other authorities go on.
# also-in: no-sandbox
# limit: 240
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/lab.sh
. "$SRC/tests/lib/lab.sh"

CRL=$R/etc/crl/lab.crl

# without_crl NAME LOG: with the CRL as it is now nobody of the lab gets in;
# alice of another authority does
without_crl()
{
	echo "$1"
	daemon_stop
	daemon_start
	refused good alice 'revo|CRL' "$2"
	admitted alice alice
}

# the good CRL back, and the control
restore()
{
	lab_crl "$R/lab" "$CRL"
	daemon_stop
	daemon_start
	admitted good alice
}

realm_make
lab_realm
lab_issue "$R/lab" leaver
daemon_start
admitted good alice
admitted leaver alice

echo revoked
lab_revoke "$R/lab" leaver
lab_crl "$R/lab" "$CRL"
daemon_reload
refused leaver alice revoked revoked
admitted good alice

echo "revoked by certlogin-ca"
admitted bob bob
ca revoke --id user/bob
ca export --out "$R/etc"
daemon_reload
refused bob bob revoked revoked
admitted alice alice

cp "$CRL" "$R/older.crl"
restore

rm "$CRL"
without_crl missing 'CRL'
restore

lab_crl "$R/lab" "$CRL" -crl_lastupdate 20200101000000Z \
    -crl_nextupdate 20200201000000Z
without_crl stale 'CRL'
restore

lab_ca "$R/forger" "/CN=Lab users"
lab_crl "$R/forger" "$CRL"
without_crl forged 'CRL'
restore

head -c 100 "$R/older.crl" >"$CRL"
without_crl damaged 'CRL'
restore

cp "$R/older.crl" "$CRL"
without_crl "rolled back" 'CRL'
restore
