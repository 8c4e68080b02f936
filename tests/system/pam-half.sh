#!/bin/bash
# A map that is half written lets nobody in by the PAM module either, and the
# log says why; it counts once it is closed.
# also-in: no-sandbox
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

MAP=$R/etc/identity.map

pam_make
service try source=file file=%h/id.pem
file_of alice alice
cp "$MAP" "$R/good.map"
lets_in alice try "$PASS"

exec 5>"$MAP"
cat "$R/good.map" >&5
keeps_out 'not set up on this machine' \
    'not set up: .*identity\.map is open for writing' alice try "$PASS"
not_asked
echo "deny user user uri=spiffe://$REALM/user/alice" >&5
exec 5>&-
keeps_out 'barred' 'denied' alice try "$PASS"

cat "$R/good.map" >"$MAP"
lets_in alice try "$PASS"
