#!/bin/bash
# Thousands of rules and of revoked certificates, by a judge in its sandbox:
# the last rule admits, a deny among them and an entry of the list refuse.
# also-in: no-sandbox sanitizers
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/lab.sh
. "$SRC/tests/lib/lab.sh"

MANY=5000
URI=spiffe://lab.example/user

# names of people, in an order that is not that of their numbers
people()
{
	awk -v n=$MANY 'BEGIN { for (i = 1; i <= n; i++)
		printf "u%05d\n", i * 4999 % n }'
}

many_rules()
{
	{
		people | sed "s|.*|allow user lab uri=$URI/& as bob|"
		echo "deny user lab uri=$URI/ALICE2"
		people | sed "s|.*|allow user lab uri=$URI/x& as bob|"
		echo "allow user lab uri=$URI/alice as alice"
		echo "allow user lab uri=$URI/alice2 as alice"
	} >"$R/etc/identity.map"
	chmod 0644 "$R/etc/identity.map"
}

many_revoked()
{
	awk -v n=$MANY 'BEGIN { for (i = 1; i <= n; i++)
		printf "R\t360101000000Z\t260101000000Z\t40%014X\tunknown\t" \
		    "/CN=u%d\n", i * 4999 % n, i }' >>"$R/lab/index.txt"
}

realm_make
lab_realm
lab_issue "$R/lab" denied "subjectAltName=URI:$URI/alice2"
lab_issue "$R/lab" revoked
many_rules
many_revoked
lab_crl "$R/lab" "$R/etc/crl/lab.crl"
daemon_start
control status | grep -qE "^ *rules +$((2 * MANY + 3))\$" ||
    give_up "not all rules were loaded: $(control status)"
admitted good alice
admitted revoked alice
refused denied alice 'barred here' "denied by the rule of line $((MANY + 1))"
lab_revoke "$R/lab" revoked
lab_crl "$R/lab" "$R/etc/crl/lab.crl"
daemon_reload
refused revoked alice 'revoked' 'revoked'
admitted good alice
