#!/bin/bash
# The sample PAM service as shipped, in libpam's own folder: login uid,
# environment, the records of who was here; and the log in syslog.
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

# syslog COMMAND…: with a /dev of its own, whose log writes to $R/syslog
syslog()
{
	cat >"$R/syslog.sh" <<-'END'
	set -eu
	mkdir "$R/dev"
	mount -t tmpfs -o mode=0755 tmpfs "$R/dev"
	for f in null zero full random urandom tty; do
		touch "$R/dev/$f"
		mount --bind "/dev/$f" "$R/dev/$f"
	done
	mkdir "$R/dev/pts" "$R/dev/shm"
	mount --rbind /dev/pts "$R/dev/pts"
	ln -s pts/ptmx "$R/dev/ptmx"
	ln -s /proc/self/fd "$R/dev/fd"
	mount --rbind "$R/dev" /dev
	exec "$@"
	END
	cat >"$R/syslog.py" <<-'END'
	import os, socket, subprocess, sys
	s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	s.bind("/dev/log")
	p = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL)
	s.settimeout(0.05)
	with open(sys.argv[1], "wb", buffering=0) as out:
	    while p.poll() is None:
	        try:
	            out.write(s.recv(8192) + b"\n")
	        except socket.timeout:
	            pass
	sys.exit(p.returncode)
	END
	export R
	unshare -m --propagation private bash "$R/syslog.sh" \
	    python3 "$R/syslog.py" "$R/syslog" "$@"
}

someone_listens()
{
	ss -Hltn "sport = :$PORT" | grep -q .
}

# the service's log, in the place where the other functions look
use_syslog()
{
	rm -f "$R/log"
	ln -s "$R/syslog" "$R/log"
	: >"$R/syslog"
	syslog certlogind -f "$R/etc/certlogind.conf" -D </dev/null \
	    >"$R/starter" 2>&1 &
	starter=$!
	wait_for 20 someone_listens ||
	    give_up "no certlogind: $(cat "$R/starter")"
	DAEMON=$(control status --json | grep -o '"pid": *[0-9]*' |
	    grep -o '[0-9]*')
}

realm_make
cp "$SRC/etc/pam.d/certlogind" /etc/pam.d/certlogind
sed -i '/^pam-confdir/d' "$R/etc/certlogind.conf"
echo 'FROM_PAM=yes' >/etc/environment
: >/var/log/wtmp
: >/var/log/lastlog
use_syslog

echo "a login, with what PAM adds to its environment"
admitted alice alice
# shellcheck disable=SC2016	# the other side expands it
client alice alice@localhost 'echo "$FROM_PAM"' </dev/null
[ "$(cat "$R/out")" = yes ] || give_up "PAM's environment is missing"

echo "the login uid, which audit goes by"
client alice alice@localhost 'cat /proc/self/loginuid' </dev/null
[ "$(cat "$R/out")" = 42001 ] || give_up "login uid '$(cat "$R/out")'"

# who(1) itself may ask logind instead; last and lastlog are not everywhere
echo "records of a login on a terminal"
script -qec "certlogin -p $PORT -F /dev/null -i $R/alice/alice.crt \
    -o ca=$R/alice/ca.crt -t alice@localhost 'who /run/utmp'" /dev/null </dev/null \
    >"$R/shown"
grep -qE 'alice +pts/.*127' "$R/shown" || give_up "who: $(cat "$R/shown")"
who /var/log/wtmp | grep -qE '^alice +pts/.*127\.0\.0\.1' ||
    give_up "wtmp: $(who /var/log/wtmp)"
wait_for 5 eval '! who /run/utmp | grep -q alice' || give_up "still in who"
dd if=/var/log/lastlog bs=292 skip=42001 count=1 status=none |
    grep -qa 127.0.0.1 || give_up "no lastlog of alice"

echo "a line each in syslog, facility authpriv"
grep -aqE '^<86>.*certlogind\[[0-9]+\]: login: account=alice address=127' \
    "$R/syslog" || give_up "no line of the login in syslog"
refused carol carol 'no account|not mapped|no rule|rule' 'no rule'
kill "$DAEMON"
DAEMON=''
wait "$starter" || give_up "the starter ended with $?"
