#!/bin/bash
# Changes that are hard to notice: folders moved away, back and replaced,
# events that were lost since there were too many, and a change that inotify
# does not report at all.
# also-in: no-sandbox
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

CRL=$R/etc/crl/user.crl

# soon MS LOG COMMAND…: after the command the line is in the log in time
soon()
{
	local max=$1 log=$2 start ms

	shift 2
	log_mark
	"$@"
	start=$(date +%s%3N)
	wait_log "$log" || give_up "no line '$log'"
	ms=$(($(date +%s%3N) - start))
	echo "  $ms ms"
	[ "$ms" -le "$max" ] || give_up "after $ms ms, not $max"
}

revoke()
{
	ca revoke --id "user/$1"
	ca export --out "$R/export"
}

# a folder beside, complete, takes the place of the one that is there
replace_folder()
{
	cp -a "$R/etc/crl" "$R/etc/crl.new"
	cp "$R/export/crl/user.crl" "$R/etc/crl.new/user.crl"
	mv "$R/etc/crl" "$R/etc/crl.old"
	mv "$R/etc/crl.new" "$R/etc/crl"
}

link_folder()
{
	mv "$R/etc/crl" "$R/etc/real"
	ln -s real "$R/etc/crl"
}

unlink_folder()
{
	rm "$R/etc/crl"
	mv "$R/etc/real" "$R/etc/crl"
}

# More events than the kernel keeps, then the change: certlogind sleeps.
flood()
{
	kill -STOP "$DAEMON"
	python3 - "$R/etc" <<-'END'
	import os, sys
	with open("/proc/sys/fs/inotify/max_queued_events") as f:
	    n = int(f.read())
	for i in range(n // 2 + 100):
	    path = os.path.join(sys.argv[1], "beside%d" % (i % 2))
	    os.close(os.open(path, os.O_WRONLY | os.O_CREAT))
	    os.unlink(path)
	END
	cat "$R/map.next" >"$R/etc/identity.map"
	kill -CONT "$DAEMON"
}

realm_make
need_program python3
cp "$R/etc/identity.map" "$R/map"
daemon_start
admitted alice alice

echo "the folder of the CRLs is moved away"
soon 2000 'stays in force' mv "$R/etc/crl" "$R/crl.away"
admitted alice alice
echo "and back"
soon 2000 'policy loaded' mv "$R/crl.away" "$R/etc/crl"
echo "what is written in it then counts"
revoke carol
soon 2000 'policy loaded' cp "$R/export/crl/user.crl" "$CRL"
admitted alice alice

echo "the folder above is moved away"
soon 2000 'stays in force' mv "$R/etc" "$R/away"
admitted alice alice
echo "and back"
soon 2000 'policy loaded' mv "$R/away" "$R/etc"
admitted alice alice

echo "another folder takes its place"
admitted bob bob
revoke bob
soon 2000 'policy loaded' replace_folder
refused bob bob revoked revoked
echo "what is written in that one then counts"
admitted alice alice
revoke alice
soon 2000 'policy loaded' cp "$R/export/crl/user.crl" "$CRL"
refused alice alice revoked revoked

echo "a symbolic link in the folder's place is no folder"
soon 2000 'stays in force' link_folder
refused alice alice revoked revoked
soon 2000 'policy loaded' unlink_folder

for n in 1 2 3 4; do
	echo "events are lost, $n"
	sed "s|^# the.*|# flood $n|" "$R/map" >"$R/map.next"
	soon 2000 'policy loaded' flood
done
admitted meter ingest

echo "a mount over the map, of which inotify knows nothing"
sed '/^allow device/d' "$R/map" >"$R/map.over"
soon 7000 'policy loaded' mount --bind "$R/map.over" "$R/etc/identity.map"
refused meter ingest '' 'no rule'
soon 7000 'policy loaded' umount "$R/etc/identity.map"
admitted meter ingest
