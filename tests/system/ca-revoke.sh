#!/bin/bash
# certlogin-ca revoke, crl, list, show, export and check: what is revoked is
# on the CRL and in the list, and the store notices when it is not in order.
# also-in: sanitizers
set -eu -o pipefail
# shellcheck source=tests/lib/ca.sh
. "$SRC/tests/lib/ca.sh"

# number CLASS: of the exported CRL
number()
{
	local hex

	hex=$(openssl crl -in "$R/etc/crl/$1.crl" -noout -crlnumber |
	    cut -d= -f2)
	echo $((hex))
}

# on_crl CLASS SERIAL
on_crl()
{
	openssl crl -in "$R/etc/crl/$1.crl" -noout -text |
	    grep -qi "Serial Number: $2"
}

# crl_good CLASS: signed by its CA, 14 days
crl_good()
{
	local from to

	openssl crl -in "$R/etc/crl/$1.crl" -noout \
	    -CAfile "$R/etc/ca/$1.crt" 2>"$R/verify" &&
	    grep -q OK "$R/verify" || give_up "the $1 CRL does not verify"
	from=$(date -d "$(openssl crl -in "$R/etc/crl/$1.crl" -noout \
	    -lastupdate | cut -d= -f2)" +%s)
	to=$(date -d "$(openssl crl -in "$R/etc/crl/$1.crl" -noout \
	    -nextupdate | cut -d= -f2)" +%s)
	[ $((to - from)) -eq $((14 * 86400)) ] || give_up "not 14 days"
}

# refused_chain NAME / good_chain NAME: by openssl with the exported CRL
chain()
{
	openssl verify -partial_chain -crl_check -CAfile \
	    "$R/etc/ca/user.crt" -CRLfile "$R/etc/crl/user.crl" \
	    "$R/$1/$1.crt" >"$R/verify" 2>&1
}

json()
{
	python3 -c "import json,sys; d=json.load(open('$R/out')); $1"
}

done_by init --realm $REALM
for name in alice bob carol dave; do
	done_by issue user $name --out "$R/$name"
done
done_by issue user alice --out "$R/second"
done_by issue device alice --out "$R/device"
done_by export --out "$R/etc"
for class in user device host; do crl_good $class; done
chain alice || give_up "alice is good and openssl refuses her"
first=$(number user)

echo "by id: all live certificates of the name, in that class only"
alice=$(serial_of "$R/alice/alice.crt")
second=$(serial_of "$R/second/alice.crt")
done_by revoke --id user/alice --reason key-compromise --json
json "assert sorted(d['revoked']) == sorted(['$alice', '$second'])"
refused_by 1 'no live certificate' revoke --id user/alice
refused_by 1 'no live certificate' revoke --id user/nobody
done_by export --out "$R/etc"
crl_good user
on_crl user "$alice" && on_crl user "$second" || give_up "not on the CRL"
! on_crl device "$(serial_of "$R/device/alice.crt")" ||
    give_up "the device's was revoked, too"
openssl crl -in "$R/etc/crl/user.crl" -noout -text |
    grep -q 'Key Compromise' || give_up "no reason on the CRL"
[ "$(number user)" -gt "$first" ] || give_up "the number did not rise"
! chain alice && grep -q revoked "$R/verify" || give_up "openssl takes alice"
chain bob || give_up "openssl refuses bob"

echo "by serial and by certificate"
bob=$(serial_of "$R/bob/bob.crt")
done_by revoke --serial "$(sed 's/../&:/g; s/:$//' <<<"${bob^^}")"
done_by revoke --serial "$bob"
grep -q before "$R/out" || give_up "revoked twice"
done_by revoke --cert "$R/carol/carol.crt"
refused_by 1 'never gave out' revoke --serial 0123456789abcdef0123456789abcdef
openssl req -x509 -newkey ed25519 -nodes -keyout /dev/null -subj /CN=x \
    -set_serial "0x$(serial_of "$R/dave/dave.crt")" -out "$R/twin.crt" \
    2>/dev/null
refused_by 1 'never gave out that cert' revoke --cert "$R/twin.crt"
refused_by 1 'never gave out that cert' revoke --cert "$R/passphrase"
refused_by 2 'one of' revoke
refused_by 2 'one of' revoke --id user/dave --serial "$bob"
refused_by 2 'reason' revoke --id user/dave --reason because
refused_by 2 'serial' revoke --serial 12
done_by crl --out "$R/etc"
crl_good user
on_crl user "$bob" && on_crl user "$(serial_of "$R/carol/carol.crt")" ||
    give_up "not on the CRL"
chain dave || give_up "openssl refuses dave"

echo "crl: a new number each time, for all"
before=$(number host)
done_by crl --out "$R/etc"
[ "$(number host)" -eq $((before + 1)) ] || give_up "the number is not next"

echo list
done_by list --json
json "assert len(d) == 6"
json "assert all(len(c['serial']) == 32 for c in d)"
done_by list --revoked --json
json "assert sorted(c['name'] for c in d) == ['alice','alice','bob','carol']"
json "assert {c['reason'] for c in d} == {'keyCompromise','unspecified'}"
done_by list --id device/alice --json
json "assert [c['uri'] for c in d] == ['spiffe://$REALM/device/alice']"
done_by issue user erin --days 20 --out "$R/erin"
done_by list --expiring 30d --json
json "assert [c['name'] for c in d] == ['erin']"
done_by list --expiring 10d
[ ! -s "$R/out" ] || give_up "erin is not over in 10 days"
done_by list
grep -q "$bob.*bob.*revoked" "$R/out" || give_up "list does not tell of bob"
refused_by 2 'time like' list --expiring soon

echo show
done_by show "$bob" --json
json "assert d['state'] == 'revoked' and 'BEGIN' in d['pem']"
done_by show "$(serial_of "$R/dave/dave.crt")"
sed -n '/BEGIN/,/END/p' "$R/out" |
    cmp - <(openssl x509 -in "$R/dave/dave.crt")
refused_by 1 'never gave out' show 0123456789abcdef0123456789abcdef

echo "export: trust.conf stays when it was edited"
cp "$R/etc/trust.conf" "$R/trust.conf"
for class in user device host; do
	grep -qx "\[authority $class\]" "$R/etc/trust.conf" &&
	    grep -qx "anchor     = ca/$class.crt" "$R/etc/trust.conf" &&
	    grep -qx "crl        = crl/$class.crl" "$R/etc/trust.conf" ||
	    give_up "trust.conf without $class"
done
inode=$(stat -c %i "$R/etc/ca/user.crt")
done_by export --out "$R/etc"
cmp "$R/etc/trust.conf" "$R/trust.conf"
[ "$(stat -c %i "$R/etc/ca/user.crt")" != "$inode" ] ||
    give_up "written in place, not renamed"
[ ! -e "$R/etc/trust.conf.new" ] || give_up "a trust.conf.new for nothing"
sed -i 's/= require/= grace 24h/' "$R/etc/trust.conf"
cp "$R/etc/trust.conf" "$R/edited"
done_by export --out "$R/etc"
grep -q 'trust.conf.new' "$R/out" || give_up "nothing is said"
cmp "$R/etc/trust.conf" "$R/edited"
cmp "$R/etc/trust.conf.new" "$R/trust.conf"
rm "$R/etc/trust.conf"
done_by export --out "$R/etc"
cmp "$R/etc/trust.conf" "$R/trust.conf"
find "$R/etc" -name '.*' | grep . && give_up "something is left beside"

# problem REGEX COMMAND…: what COMMAND spoils is found
problem()
{
	local regex=$1

	shift
	cp -a "$R/ca" "$R/saved"
	"$@"
	refused_by 1 "$regex" check
	rm -rf "$R/ca"
	mv "$R/saved" "$R/ca"
}

sql()
{
	python3 - "$1" <<-END
	import sqlite3, sys
	db = sqlite3.connect("$R/ca/ca.db")
	db.execute(sys.argv[1])
	db.commit()
	END
}

echo "check finds what is not in order"
done_by check
grep -q '7 certificates, 0 problems' "$R/out" || give_up "not all checked"
problem 'open to others' chmod 640 "$R/ca/keys/user-1.key"
problem 'not there' rm "$R/ca/keys/host-1.key"
problem 'belong together' cp "$R/ca/keys/host-1.key" "$R/ca/keys/user-1.key"
problem 'CRL and database' sql "UPDATE cert SET state = 'issued',
    revoked = 0 WHERE name = 'bob'"
problem 'CRL and database' sql "UPDATE ca SET crl_number = crl_number + 1
    WHERE class = 'user'"
problem 'no CRL' sql "UPDATE ca SET crl = NULL"
problem 'serial or dates' sql "UPDATE cert SET not_after = not_after + 1
    WHERE name = 'dave'"
problem 'its URI' sql "UPDATE cert SET name = 'root' WHERE name = 'dave'"
problem 'not signed by' sql "UPDATE cert SET ca =
    (SELECT id FROM ca WHERE class = 'host') WHERE name = 'dave'"
problem 'is damaged' dd if=/dev/urandom of="$R/ca/ca.db" \
    bs=4096 seek=3 count=4 conv=notrunc status=none
done_by check
mv "$R/ca/keys/root-1.key" "$R/offline.key"
done_by check
grep -q offline "$R/out" || give_up "check does not say the root is offline"
done_by issue user frank --out "$R/frank"
done_by check --json
json "assert [n['kind'] for n in d] == ['note']"

echo "no CA there"
rc=0
certlogin-ca --dir "$R/nowhere" list >"$R/out" 2>"$R/err" || rc=$?
[ $rc -eq 3 ] && grep -q 'no CA' "$R/err" || give_up "exit $rc without a CA"
