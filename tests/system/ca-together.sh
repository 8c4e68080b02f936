#!/bin/bash
# Many certlogin-ca at once, and a full disk: nothing is lost, no serial comes
# twice, a failure is told and leaves nothing half done.
# limit: 240
set -eu -o pipefail
# shellcheck source=tests/lib/ca.sh
. "$SRC/tests/lib/ca.sh"

serials()
{
	done_by list --json >&2
	grep -o '"serial":"[0-9a-f]*"' "$R/out" | cut -d'"' -f4 | sort
}

at_once()
{
	certlogin-ca --dir "$R/ca" --passphrase-file "$R/passphrase" "$@" \
	    >>"$R/at-once" 2>&1 </dev/null
}

done_by init --realm $REALM
done_by issue user leaver --out "$R/leaver"

echo "two inits, twenty issues, revocations and CRLs at once"
pids=()
for i in {1..20}; do
	at_once issue device "d$i" --out "$R/devices" & pids+=($!)
done
at_once revoke --id user/leaver & pids+=($!)
for i in 1 2 3; do
	at_once crl --out "$R/etc" & pids+=($!)
done
for pid in "${pids[@]}"; do
	wait "$pid" || { cat "$R/at-once"; give_up "one of them failed"; }
done
serials >"$R/listed"
for f in "$R"/devices/d*.crt "$R/leaver/leaver.crt"; do
	serial_of "$f"
done | sort >"$R/held"
cmp "$R/listed" "$R/held" || give_up "list and files differ"
[ "$(uniq "$R/held" | wc -l)" -eq 21 ] || give_up "a serial twice"
done_by check
grep -q '21 certificates, 0 problems' "$R/out" || give_up "not all there"
pids=()
for i in 1 2; do
	certlogin-ca --dir "$R/ca2" --passphrase-file "$R/passphrase" init \
	    --realm $REALM >>"$R/at-once" 2>&1 & pids+=($!)
done
won=0
for pid in "${pids[@]}"; do
	wait "$pid" && won=$((won + 1))
done
[ $won -eq 1 ] || give_up "$won of two inits made the realm"
certlogin-ca --dir "$R/ca2" --passphrase-file "$R/passphrase" check

echo "the folder of the files is full"
mkdir "$R/full"
mount -t tmpfs -o size=64k,mode=0700 tmpfs "$R/full"
head -c 60k /dev/zero >"$R/full/filler"
serials >"$R/listed"
refused_by 3 'No space' issue user alice --out "$R/full"
serials | cmp - "$R/listed" || give_up "issued without its files"
[ "$(ls -A "$R/full")" = filler ] || give_up "left behind: $(ls -A "$R/full")"
done_by check
rm "$R/full/filler"
done_by issue user alice --out "$R/full"
umount "$R/full"

echo "the CA's own disk is full, at every size"
mkdir "$R/small"
mount -t tmpfs -o size=512k,mode=0700 tmpfs "$R/small"
cp -a "$R/ca/." "$R/small/"
mv "$R/ca" "$R/large"
ln -s "$R/small" "$R/ca"
failed=0 worked=0
for free in 0 8 9 11 13 15 16 17 18 24; do
	serials >"$R/listed"
	room=$(($(stat -f -c %f "$R/small") - free))
	head -c $((room * 4096)) /dev/zero >"$R/small/filler"
	ca issue user bob --out "$R/bob"
	case $rc in
	0) worked=$((worked + 1)) ;;
	3)	failed=$((failed + 1))
		grep -q 'full\|No space' "$R/err" || give_up "which reason?" ;;
	*) give_up "exit $rc" ;;
	esac
	rm "$R/small/filler"
	status=$rc
	[ $status -eq 0 ] || serials | cmp - "$R/listed" ||
	    give_up "issued all the same"
	done_by list
	done_by check
	if [ -e "$R/bob/bob.crt" ]; then
		serials | grep -q "$(serial_of "$R/bob/bob.crt")" ||
		    give_up "a certificate that the CA does not know"
		belong "$R/bob/bob.key" "$R/bob/bob.crt" ||
		    give_up "another key"
	fi
done
echo "$failed failed, $worked worked"
[ $failed -gt 0 ] && [ $worked -gt 0 ] || give_up "this was no test"
umount "$R/small"
