#!/bin/bash
# Helpers that are replaced, as an upgrade does, count from the next start: a
# certlogind that runs goes on with those that it started with.
# limit: 120
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

HELPERS=$R/helpers

# A reload starts helpers afresh; so does each login
works()
{
	for _ in 1 2 3; do
		admitted alice alice
	done
	refused alice bob refused 'account "bob"|bob'
}

realm_make
mkdir "$HELPERS"
cp "$BUILD"/inst/libexec/certlogin/certlogin-* "$HELPERS"
set_conf helpers "$HELPERS"
daemon_start
works

echo "replaced by what lets nobody in"
for helper in "$HELPERS"/certlogin-*; do
	cp /bin/false "$helper.new"
	mv "$helper.new" "$helper"
done
works
echo '# another map' >>"$R/etc/identity.map"
daemon_reload
works

echo "removed"
rm "$HELPERS"/certlogin-*
works
daemon_reload
works

echo "they count from the next start"
daemon_stop
cp "$BUILD"/inst/libexec/certlogin/certlogin-* "$HELPERS"
cp /bin/false "$HELPERS/certlogin-judge.new"
mv "$HELPERS/certlogin-judge.new" "$HELPERS/certlogin-judge"
rc=0
timeout 30 certlogind -f "$R/etc/certlogind.conf" -D -e >"$R/out" 2>&1 ||
    rc=$?
[ "$rc" -ne 0 ] && [ "$rc" -ne 124 ] || give_up "started with a broken judge"
cp "$BUILD/inst/libexec/certlogin/certlogin-judge" "$HELPERS/judge.new"
mv "$HELPERS/judge.new" "$HELPERS/certlogin-judge"
daemon_start
works
