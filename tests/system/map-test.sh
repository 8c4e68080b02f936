#!/bin/bash
# certlogin-map test and verify say what would become of a certificate, by
# which rule or check, and leave out no check that a login makes.
# also-in: sanitizers
# limit: 300
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/lab.sh
. "$SRC/tests/lib/lab.sh"

MAP=$R/etc/identity.map
A="uri=spiffe://$REALM/user"

map()
{
	certlogin-map --map "$MAP" --trust "$R/etc/trust.conf" "$@"
}

# says STATUS REGEX ARGUMENT…
says()
{
	local want=$1 regex=$2 rc=0

	shift 2
	map "$@" >"$R/out" 2>&1 || rc=$?
	[ "$rc" -eq "$want" ] ||
	    give_up "$*: exit $rc, not $want: $(cat "$R/out")"
	grep -qE -- "$regex" "$R/out" ||
	    give_up "$* does not say '$regex': $(cat "$R/out")"
}

# fails CHECK SECTION LINE…: a lab certificate with this fault; the good one
# passes beside it
fails()
{
	local check=$1 section=$2

	shift 2
	lab_issue "$R/lab" faulty "$@"
	says 1 "^  check +$check \(.*$section" test \
	    --cert "$R/faulty/faulty.crt"
	says 1 "^  FAILED +$check .*$section" verify \
	    --cert "$R/faulty/faulty.crt"
	says 0 '^allowed: account alice' test --cert "$R/good/good.crt"
}

need_program certlogin-ca certlogin-map
account alice 42001
account bob 42002
account sysacct 642
realm_certificates
realm_configuration
lab_realm

echo "allowed, and by which rule"
cat >"$MAP" <<END
# rules
allow user user $A/alice as alice
allow user user $A/bob as bob,alice from=192.0.2.0/24 no-pty
allow user user $A/{name} as {name}
allow user user $A/carol as carol until=$(date -u -d "3 days" +%Y-%m-%d)
allow user lab uri=spiffe://lab.example/user/{name} as {name}
allow device device uri=spiffe://$REALM/device/meter as bob command="/bin/true"
END
says 0 '^allowed: account alice$' test --cert "$R/alice/alice.crt"
says 0 'rule .*identity.map:2: allow user user' test --cert \
    "$R/alice/alice.crt" --account alice
says 0 'identity +user uri=' test --cert "$R/alice/alice.crt"
says 0 'limits +no-pty$' test --cert "$R/bob/bob.crt" --account alice \
    --from 192.0.2.9
says 0 'account bob \(from the certificate' test --cert "$R/bob/bob.crt" \
    --account bob --service sudo
says 0 'limits .*command' test --cert "$R/meter/meter.crt"
map test --cert "$R/bob/bob.crt" --account bob --json >"$R/json"
python3 -c '
import json, sys
v = json.load(open(sys.argv[1]))
assert v["allowed"] and v["account"] == "bob" and v["rule_line"] == 4, v
assert v["captured"] and v["accepted"], v
assert all(c["result"] in ("passed", "not run") for c in v["checks"]), v
' "$R/json"

echo "refused by the map"
map test --cert "$R/alice/alice.crt" --account bob --json >"$R/json" &&
    give_up "allowed"
python3 -c '
import json, sys
v = json.load(open(sys.argv[1]))
assert not v["allowed"] and v["accepted"] and v["rule_line"] == 2, v
assert v["check"] == "map: other-account" and v["reason"], v
' "$R/json"
says 1 'check +map: other-account' test --cert "$R/alice/alice.crt" \
    --account bob
says 1 "allows alice, not 'bob'" test --cert "$R/alice/alice.crt" \
    --account bob
says 1 'check +map: other-account' test --cert "$R/bob/bob.crt" \
    --account alice --from 198.51.100.1
says 1 'check +map: class' test --cert "$R/meter/meter.crt" --service sudo
sed -i '/{name}/d' "$MAP"
says 1 'check +map: elsewhere' test --cert "$R/bob/bob.crt"
says 1 'map: no-rule' test --cert "$R/sysacct/sysacct.crt"
says 1 'check +map: ended' test --cert "$R/carol/carol.crt" \
    --at "$(date -u -d '5 days' +%Y-%m-%dT%H:%M:%SZ)"

echo "refused by the rule on uids"
echo "allow user user $A/{name} as {name}" >>"$MAP"
echo "allow user lab uri=spiffe://lab.example/user/{name} as {name}" >>"$MAP"
says 1 'check +uid rule' test --cert "$R/sysacct/sysacct.crt"
says 1 'by a capture' test --cert "$R/sysacct/sysacct.crt" \
    --privileged sysacct
says 1 'uid 0' test --cert "$R/root/root.crt"
says 1 'account carol is not known' test --cert "$R/carol/carol.crt"
echo "allow user user serial=$(openssl x509 -in "$R/root/root.crt" -noout \
    -serial | cut -d= -f2) as sysacct" >>"$MAP"
says 1 'outside .*privileged-accounts' test --cert "$R/root/root.crt" \
    --account sysacct
says 0 'account sysacct' test --cert "$R/root/root.crt" --account sysacct \
    --privileged 'root,sysacct'

echo "refused by a check, and by which"
fails validity '4\.1\.2\.5' from=20200101000000Z to=20210101000000Z
fails purpose '4\.2\.1\.12' extendedKeyUsage=serverAuth
fails purpose '4\.2\.1\.12' extendedKeyUsage=
fails not-ca '4\.2\.1\.9' basicConstraints=critical,CA:TRUE
fails critical '4\.2' 1.3.6.1.4.1.99999.1=critical,ASN1:UTF8String:x
fails profile '8446' key=rsa1024
lab_ca "$R/otherca" "/CN=Lab users"
lab_issue "$R/otherca" stranger
says 1 'check +path' test --cert "$R/stranger/stranger.crt"
says 1 'check +form' test --cert "$MAP"
says 1 '^  FAILED +form' verify --cert "$MAP"

echo "verify: each check with its outcome"
says 0 '^accepted by authority user' verify --cert "$R/alice/alice.crt"
says 0 '^  passed +revocation' verify --cert "$R/alice/alice.crt"
ca revoke --id user/alice
ca crl --out "$R/etc"
says 1 '^  FAILED +revocation' verify --cert "$R/alice/alice.crt"
says 1 'check +revocation' test --cert "$R/alice/alice.crt"
says 0 'WARNING: skipping revocation' verify --cert "$R/alice/alice.crt" \
    --skip revocation
says 0 '^  SKIPPED +revocation' verify --cert "$R/alice/alice.crt" \
    --skip validity,revocation
says 2 'no check .path. that can be skipped' verify \
    --cert "$R/bob/bob.crt" --skip path
says 2 'test does not take --skip' test --cert "$R/bob/bob.crt" \
    --skip validity
map verify --cert "$R/alice/alice.crt" --json >"$R/json" && give_up "revoked"
python3 -c '
import json, sys
v = json.load(open(sys.argv[1]))
assert not v["accepted"] and v["check"] == "revocation", v
assert "6.3" in v["section"] and v["reason"] and v["detail"], v
' "$R/json"

echo "times"
says 1 'check +(validity|issuers)' test --cert "$R/bob/bob.crt" \
    --at 2040-01-01T00:00:00Z
says 1 'check +(validity|issuers)' test --cert "$R/bob/bob.crt" \
    --at @2208988800
says 0 'note +judged as of .* newest CRL' test --cert "$R/bob/bob.crt" \
    --at 2001-01-01T00:00:00Z
map test --cert "$R/bob/bob.crt" >"$R/out"
! grep -q note "$R/out" || give_up "a note without a reason"
for t in yesterday 2026-02-30T00:00:00Z 2026-01-01 @x '@' \
    2026-01-01T00:00:00+01:00; do
	says 2 'expected a time' test --cert "$R/bob/bob.crt" --at "$t"
done

echo "servers"
says 0 '^  passed +host' verify --server --host localhost \
    --cert "$R/host/localhost.crt"
says 1 '^  FAILED +host' verify --server --host other.example \
    --cert "$R/host/localhost.crt"
says 0 'accepted by authority host' verify --server \
    --cert "$R/host/localhost.crt"
says 1 'refused' verify --cert "$R/host/localhost.crt"
says 1 'refused' verify --server --cert "$R/bob/bob.crt"
says 2 'goes with --server' verify --host x --cert "$R/bob/bob.crt"

echo "an ordinary user, with files of its own"
mkdir -m 0755 "$R/own"
cp -r "$R/etc/ca" "$R/etc/crl" "$R/etc/trust.conf" "$MAP" "$R/own"
cp "$R/bob/bob.crt" "$R/own"
chown -R 42001:42001 "$R/own"
chmod 0755 "$R"
setpriv --reuid 42001 --regid 42001 --clear-groups certlogin-map \
    --map "$R/own/identity.map" --trust "$R/own/trust.conf" \
    verify --cert "$R/own/bob.crt" >"$R/out" 2>&1 ||
    give_up "as a user: $(cat "$R/out")"

echo "usage"
says 2 'needs --cert' test
says 2 'needs --cert' verify
says 2 'no command' frobnicate
says 3 'No such file' test --cert "$R/none.crt"
says 2 'expected an IPv4' test --cert "$R/bob/bob.crt" --from 192.0.2
says 2 'has an address' test --cert "$R/bob/bob.crt" --from 192.0.2.1 \
    --service sudo
says 0 'usage:' --help
says 0 '^certlogin-map [0-9]' --version
