#!/bin/bash
# Killed at any step, on a full disk, or where the place is not to be trusted:
# the old CRL or the new one is there, whole, and the next run goes well.
# limit: 300
set -eu
# shellcheck source=tests/lib/fetch.sh
. "$SRC/tests/lib/fetch.sh"

KILLAT=$BUILD/tests/tools/killat
[ -x "$KILLAT" ] || {
	echo "tests/tools/killat is not built"
	exit 77
}

# the old one or the new one
whole()
{
	cmp -s "$R/old" "$CRL" || cmp -s "$R/web/lab.crl" "$CRL" ||
	    give_up "$1: neither the old CRL nor the new one is in place"
	[ "$(stat -c %a:%u "$CRL")" = 644:0 ] ||
	    give_up "$1: mode or owner: $(stat -c %a:%u "$CRL")"
}

no_helper()
{
	! pgrep -u $FETCH_USER,_certlogin-judge >/dev/null
}

fetch_make
server 8080

echo "killed at each call that changes a file"
n=0 new=0
while :; do
	n=$((n + 1))
	newer
	cp "$CRL" "$R/old"
	rc=0
	"$KILLAT" $n "$(command -v certloginctl)" \
	    -f "$R/etc/certlogind.conf" fetch-crls >"$R/out" 2>"$R/err" ||
	    rc=$?
	whole "killed at $n"
	! cmp -s "$R/web/lab.crl" "$CRL" || new=$((new + 1))
	[ $rc -eq 137 ] || break
	wait_for 10 no_helper || give_up "killed at $n: a helper is left"
done
[ "$rc" -eq 0 ] || give_up "not killed, but exit $rc: $(cat "$R/err")"
[ $n -ge 8 ] && [ $new -ge 2 ] && [ $new -lt $n ] ||
    give_up "$n steps, $new with the new CRL: nothing was tried"
newer
fetched "$R/web/lab.crl" new

echo "killed while it downloads"
crl_url "$URL/hang"
certloginctl -f "$R/etc/certlogind.conf" fetch-crls >"$R/out" 2>"$R/err" &
pid=$!
wait_for 10 pgrep -u $FETCH_USER >/dev/null || give_up "no helper"
cp "$CRL" "$R/old"
kill -KILL $pid
wait $pid || :
wait_for 10 no_helper || give_up "the helper is left"
whole "killed"
crl_url "$URL/lab.crl"
newer
fetched "$R/web/lab.crl" new

echo "a full disk"
mkdir "$R/small"
mount -t tmpfs -o size=64k,mode=0755 tmpfs "$R/small"
cp -R "$R/etc/ca" "$R/etc/crl" "$R/etc/trust.conf" "$R/small"
newer
head -c 60000 /dev/zero >"$R/small/full" 2>/dev/null || :
head -c 4096 /dev/zero >>"$R/small/full" 2>/dev/null || :
before=$(sha256sum "$R/small/crl/lab.crl"; ls -A "$R/small/crl")
fetch --trust "$R/small/trust.conf"
[ $rc -eq 3 ] || give_up "full disk: exit $rc: $(cat "$R/err")"
grep -q 'failed: .*No space left' "$R/err" || give_up "$(cat "$R/err")"
[ "$(sha256sum "$R/small/crl/lab.crl"; ls -A "$R/small/crl")" = "$before" ] ||
    give_up "full disk: something changed"
rm "$R/small/full"
fetch --trust "$R/small/trust.conf"
[ $rc -eq 0 ] && cmp "$R/web/lab.crl" "$R/small/crl/lab.crl" ||
    give_up "with room again: exit $rc: $(cat "$R/err")"
umount "$R/small"

echo "a read-only folder"
newer
mount --bind "$R/etc/crl" "$R/etc/crl"
mount -o remount,bind,ro "$R/etc/crl"
kept 'failed: .*Read-only' 3
umount "$R/etc/crl"
fetched "$R/web/lab.crl" new

# not_trusted NAME REASON: a place that is none
not_trusted()
{
	echo "$1"
	newer
	kept "failed: .*$2" 3
}

mv "$CRL" "$R/elsewhere"
ln -s "$R/elsewhere" "$CRL"
not_trusted "a symbolic link" 'is a symbolic link'
cmp "$R/elsewhere" "$R/web/lab.crl" 2>/dev/null &&
    give_up "it wrote through the link"
mv "$R/elsewhere" "$CRL"
fetched "$R/web/lab.crl" new

chmod 0666 "$CRL"
not_trusted "a file that others can write" 'can be written by others'
chmod 0600 "$CRL"
not_trusted "a file like a key" 'can be read by its owner only, like a key'
chmod 0644 "$CRL"
chmod 0777 "$R/etc/crl"
not_trusted "a folder that others can write" 'can be written by others'
chmod 0755 "$R/etc/crl"
chown alice "$CRL"
not_trusted "a file of somebody else" 'belongs to uid'
chown root "$CRL"
fetched "$R/web/lab.crl" new
