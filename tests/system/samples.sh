#!/bin/bash
# What is installed as a sample works as it is: trust.conf, identity.map and
# certlogind.conf are loaded together, pam.conf is read, the units are valid.
# (etc/pam.d: login-sample, pam-real and pam-profile.)
set -eu
# shellcheck source=tests/lib/docs.sh
. "$SRC/tests/lib/docs.sh"

CONF=/etc/certlogin
SAMPLES=/usr/share/doc/certlogin/examples

# says REGEX COMMAND…
says()
{
	local regex=$1

	shift
	rc=0
	"$@" >"$R/out" 2>&1 || rc=$?
	grep -qE -- "$regex" "$R/out" ||
	    give_up "$* (exit $rc): $(cat "$R/out"), not '$regex'"
}

realm()
{
	local ca=(certlogin-ca --passphrase-file "$R/passphrase")

	(umask 077 && echo a-passphrase-of-the-tests >"$R/passphrase")
	"${ca[@]}" init --realm example.org
	"${ca[@]}" issue host srv1.example.org --out "$R/host"
	"${ca[@]}" export --out "$R/export"
	install -D -m 0644 "$R/export/ca/user.crt" $CONF/ca/staff.crt
	install -D -m 0644 "$R/export/crl/user.crl" $CONF/crl/staff.crl
	install -m 0644 "$R/host/srv1.example.org.crt" $CONF/host.crt
	install -m 0600 "$R/host/srv1.example.org.key" $CONF/host.key
}

docs_machine
realm
for name in certlogind.conf trust.conf identity.map pam.conf; do
	install -m 0644 "$SAMPLES/$name" $CONF/
done

echo "trust.conf, identity.map, certlogind.conf"
says '^3 rules, 0 errors' certlogin-map check
[ $rc -eq 0 ] || give_up "check: exit $rc"
says 'configuration is good: 3 rules, 1 authorities' certlogind -t
[ $rc -eq 0 ] || give_up "certlogind -t: exit $rc"
echo "nonsense = 1" >>$CONF/certlogind.conf
says 'certlogind.conf:[0-9]+.*nonsense' certlogind -t

echo "pam.conf"
says '^module +/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so' \
    certlogin-map test --token
echo "nonsense = 1" >>$CONF/pam.conf
says 'pam.conf:[0-9]+.*nonsense' certlogin-map test --token

echo "units"
if command -v systemd-analyze >/dev/null; then
	systemd-analyze verify --man=no "$PREFIX"/lib/systemd/system/* ||
	    give_up "units"
fi
