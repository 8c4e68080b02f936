#!/bin/bash
# certlogin-hostkey dies: another takes its place with the certificate and key
# in force, whatever lies at their paths by then.  No process that certlogind
# leaves behind keeps the address in use for its successor.
# also-in: no-sandbox
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

# hostkey: its process, the child of certlogind
hostkey()
{
	local pid children

	read -ra children <"/proc/$DAEMON/task/$DAEMON/children"
	for pid in "${children[@]}"; do
		[ "$(tr '\0' '\n' <"/proc/$pid/cmdline" | head -n 1)" != \
		    certlogin-hostkey ] || echo "$pid"
	done
}

# serial of the certificate that the server shows
serial()
{
	openssl s_client -connect "127.0.0.1:$PORT" -tls1_3 \
	    -alpn certlogin/1 </dev/null 2>/dev/null |
	    openssl x509 -noout -serial
}

# die WAIT: kill it, and wait for the line of the log
die()
{
	log_mark
	kill -KILL "$(hostkey)"
	wait_log "$1" || give_up "no line '$1'"
}

inode()
{
	ss -Hltne "sport = :$PORT" | sed -n 's/.* ino:\([0-9]*\).*/\1/p'
}

# hold: another process has the listening socket, too
hold()
{
	local fd

	fd=$(find "/proc/$DAEMON/fd" -lname "socket:\[$SOCKET\]" -printf '%f')
	rm -f "$R/held"
	mkfifo "$R/held"
	python3 "$R/hold.py" "$DAEMON" "$fd" >"$R/held" &
	holder=$!
	read -r _ <"$R/held" || give_up "the socket cannot be had"
}

# the new certlogind waits, with a socket that listens nowhere
tries_to_bind()
{
	local pid

	for pid in $(pgrep -x certlogind); do
		! grep -q nanosleep "/proc/$pid/wchan" || return 0
	done
	return 1
}

# loader: certlogind's child that has a judge load a policy
loader()
{
	local pid children

	read -ra children <"/proc/$DAEMON/task/$DAEMON/children"
	for pid in "${children[@]}"; do
		[ ! "/proc/$pid/exe" -ef "/proc/$DAEMON/exe" ] ||
		    [ -z "$(cat "/proc/$pid/task/$pid/children")" ] ||
		    echo "$pid"
	done
}

loads()
{
	LOADER=$(loader) && [ -n "$LOADER" ] && kill -STOP "$LOADER"
}

# holds PID: certlogind's listening socket
holds()
{
	[ -n "$(find "/proc/$1/fd" -lname "socket:\[$SOCKET\]")" ]
}

# files PID: what it has open behind 0-2, but programs
files()
{
	find "/proc/$1/fd" -name '[0-9]*' ! -name '[012]' \
	    ! -lname '*/certlogin*' -printf '%l\n' | sort
}

realm_make
daemon_start

echo "the listening socket is certlogind's alone"
SOCKET=$(inode)
cp "$R/etc/identity.map" "$R/map"
for ((i = 0; i < 60000; i++)); do
	echo "allow user user uri=spiffe://$REALM/user/n$i as bob"
done >>"$R/etc/identity.map"
wait_for 30 loads || give_up "nothing loads"
holds "$DAEMON" || give_up "certlogind does not listen on $SOCKET"
! holds "$LOADER" || give_up "who loads has it, too"
shared=$(comm -12 <(files "$DAEMON") <(files "$LOADER"))
[ "$shared" = "${shared#*socket:}" ] || give_up "who loads has, too: $shared"
[ "$(files "$DAEMON" | grep -c ^socket:)" -ge 3 ] ||
    give_up "certlogind has no sockets"
kill -CONT "$LOADER"

echo "when it ends nobody listens, whoever has the socket as well"
cat >"$R/hold.py" <<'END'
import ctypes, os, sys, time
pidfd_getfd = 438
pid, fd = [int(word) for word in sys.argv[1:]]
if ctypes.CDLL(None).syscall(pidfd_getfd, os.pidfd_open(pid), fd, 0) >= 0:
    print("held", flush=True)
time.sleep(1000)
END
hold
daemon_stop
cp "$R/map" "$R/etc/identity.map"
[ -z "$(ss -Hltn "sport = :$PORT")" ] || give_up "somebody listens"
daemon_start
admitted alice alice
kill $holder

echo "one who was killed leaves it to its successor a moment later"
SOCKET=$(inode)
hold
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null || :
log_mark
daemon_start
wait_for 10 tries_to_bind || give_up "it does not wait"
kill $holder
wait_log 'listening on' || give_up "it did not get it"
admitted alice alice

before=$(serial)
[ -n "$before" ] || give_up "no certificate"

echo "nothing has changed"
die 'process was replaced'
admitted alice alice
[ "$(serial)" = "$before" ] || give_up "another certificate"

echo "another pair was put in its place, not yet loaded"
ca issue host localhost --ip 127.0.0.1 --out "$R/next"
set_conf certificate "$R/next/localhost.crt"
set_conf key "$R/next/localhost.key"
set_conf map "$R/nothing.map"
die 'process was replaced'
admitted alice alice
[ "$(serial)" = "$before" ] || give_up "the new certificate without a reload"

echo "control: a reload takes it"
set_conf map "$R/etc/identity.map"
daemon_reload
admitted alice alice
[ "$(serial)" != "$before" ] || give_up "still the old certificate"

echo "certificate and key are replaced by what does not fit"
before=$(serial)
cp "$R/host/localhost.crt" "$R/next/other.crt"
mv "$R/next/other.crt" "$R/next/localhost.crt"
rm "$R/next/localhost.key"
die 'process was replaced'
admitted alice alice
[ "$(serial)" = "$before" ] || give_up "another certificate"
