# shellcheck shell=bash
# A realm, a certlogind and logins, for system tests.  Source it and call
# realm_make; everything is below $R (the test's own TMPDIR).  Works only
# below tests/lib/isolate: accounts are made in its copy of /etc.
#
#	$R/alice/alice.crt, .key, ca.crt	also bob, carol; device meter
#	$R/host/localhost.crt			DNS localhost, IP 127.0.0.1
#	$R/etc/certlogind.conf trust.conf identity.map pam.d/
#	$R/log					what certlogind says

R=$TMPDIR
PORT=4622
REALM=test.example
PATH=$BUILD/inst/bin:$BUILD/inst/sbin:$PATH
DAEMON=''
MARK=0
# shellcheck disable=SC2034	# for the tests
ACCOUNTS=(alice bob carol ingest sysacct)

# give_up TEXT: the test failed; say what was seen
give_up()
{
	echo "FAILED: $*"
	if [ -s "$R/err" ]; then
		echo "-- the client's stderr:"
		tail -n 20 "$R/err"
	fi
	if [ -s "$R/log" ]; then
		echo "-- certlogind's log since the last step:"
		log_since | tail -n 30
	fi
	exit 1
}

# need_program NAME…: skip the test where one was not built
need_program()
{
	local p

	for p in "$@"; do
		command -v "$p" >/dev/null || {
			echo "$p is not there"
			exit 77
		}
	done
}

# wait_for SECONDS COMMAND…: until the command succeeds
wait_for()
{
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.02
	done
}

# account NAME UID: in this namespace's copy of /etc
account()
{
	echo "$1:x:$2:$2:test account:$R/home/$1:/bin/bash" >>/etc/passwd
	echo "$1:x:$2:" >>/etc/group
	echo "$1:!:19000:0:99999:7:::" >>/etc/shadow
	mkdir -p "$R/home/$1"
	chown "$2:$2" "$R/home/$1"
	chmod 0700 "$R/home/$1"
}

ca()
{
	certlogin-ca --dir "$R/ca" --passphrase-file "$R/passphrase" "$@" \
	    >>"$R/ca.out" 2>&1 || {
		tail -n 5 "$R/ca.out"
		give_up "certlogin-ca $*"
	}
}

realm_certificates()
{
	local name

	(umask 077 && echo a-passphrase-of-the-tests >"$R/passphrase")
	ca init --realm "$REALM"
	ca issue host localhost --ip 127.0.0.1 --out "$R/host"
	for name in alice bob carol sysacct root; do
		ca issue user "$name" --out "$R/$name"
	done
	ca issue device meter --out "$R/meter"
	ca export --out "$R/etc"
}

realm_configuration()
{
	mkdir -p "$R/etc/pam.d" "$R/state"
	: >"$R/state/locks.map"
	cat >"$R/etc/pam.d/certlogind" <<-'END'
	auth    requisite pam_succeed_if.so quiet uid < 0
	auth    required  pam_permit.so
	account required  pam_nologin.so
	account required  pam_unix.so
	session required  pam_permit.so
	END
	cat >"$R/etc/identity.map" <<-END
	# the tests' map
	allow user user uri=spiffe://$REALM/user/alice as alice
	allow user user uri=spiffe://$REALM/user/bob as bob,alice
	allow device device uri=spiffe://$REALM/device/meter as ingest
	END
	cat >"$R/etc/certlogind.conf" <<-END
	[daemon]
	listen      = 127.0.0.1:$PORT
	certificate = $R/host/localhost.crt
	key         = $R/host/localhost.key
	trust       = $R/etc/trust.conf
	map         = $R/etc/identity.map
	pam-confdir = $R/etc/pam.d
	state-dir   = $R/state
	run-dir     = $R/run
	net-user    = 62001
	judge-user  = 62002
	key-user    = 62003
	END
}

realm_make()
{
	[ -d "$R/.isolate" ] || {
		echo "run this by tests/run"
		exit 77
	}
	need_program certlogin certlogind certlogin-ca certlogin-map \
	    certloginctl
	account alice 42001
	account bob 42002
	account carol 42003
	account ingest 42004
	account sysacct 642
	realm_certificates
	realm_configuration
	trap realm_end EXIT
}

# A test that has more to stop names the function in AT_END: a trap of its own
# in front of this one would hide that the test failed.
AT_END=:

realm_end()
{
	local rc=$?

	trap - EXIT
	"$AT_END" || rc=1
	daemon_stop || rc=1
	exit $rc
}

# set_conf KEY VALUE: in certlogind.conf
set_conf()
{
	sed -i "/^$1 *=/d" "$R/etc/certlogind.conf"
	echo "$1 = $2" >>"$R/etc/certlogind.conf"
}

listening()
{
	[ -n "$(ss -Hltn "sport = :$PORT")" ] || ! kill -0 "$DAEMON"
}

daemon_start()
{
	certlogind -f "$R/etc/certlogind.conf" -D -e >>"$R/log" 2>&1 &
	DAEMON=$!
	if ! wait_for 20 listening || ! kill -0 "$DAEMON" 2>/dev/null; then
		MARK=0
		give_up "certlogind did not start"
	fi
}

# SIGTERM, and it must be gone within 5 seconds
daemon_stop()
{
	local pid=$DAEMON

	[ -n "$pid" ] || return 0
	DAEMON=''
	kill "$pid" 2>/dev/null || {
		echo "certlogind had died"
		wait "$pid"
		return 1
	}
	wait_for 7 eval "! kill -0 $pid 2>/dev/null" || {
		kill -KILL "$pid"
		echo "certlogind did not stop"
		return 1
	}
}

# SIGHUP, then wait for the line of the log that matches
daemon_reload()
{
	log_mark
	kill -HUP "$DAEMON"
	wait_log "${1:-reloaded}" || give_up "no line '${1:-reloaded}'"
}

log_mark()
{
	MARK=$(stat -c %s "$R/log" 2>/dev/null || echo 0)
}

log_since()
{
	tail -c +$((MARK + 1)) "$R/log"
}

log_has()
{
	log_since | grep -qE -- "$1"
}

# wait_log REGEX: until the log since the mark has it
wait_log()
{
	wait_for 15 log_has "$1"
}

# control COMMAND…: certloginctl
control()
{
	certloginctl -f "$R/etc/certlogind.conf" --run-dir "$R/run" "$@"
}

# client WHO ARGUMENT…: certlogin with WHO's certificate; output in $R/out
# and $R/err, exit status in $rc.  Standard input is that of the caller.
client()
{
	local who=$1

	shift
	log_mark
	rc=0
	timeout 60 certlogin -p "$PORT" -F /dev/null -o batchmode=yes \
	    -i "$R/$who/$who.crt" -o "ca=$R/$who/ca.crt" "$@" \
	    >"$R/out" 2>"$R/err" || rc=$?
}

# admitted WHO ACCOUNT: a login as it should be
admitted()
{
	client "$1" "$2@localhost" id -un </dev/null
	[ "$rc" -eq 0 ] || give_up "$1 should get in as $2 (exit $rc)"
	[ "$(cat "$R/out")" = "$2" ] ||
	    give_up "$1 became '$(cat "$R/out")', not $2"
}

# refused WHO ACCOUNT CLIENT LOG: exit 255, no output, both reasons
refused()
{
	client "$1" "$2@localhost" id -un </dev/null
	refusal_seen "$3" "$4"
}

refusal_seen()
{
	[ "$rc" -eq 255 ] || give_up "exit $rc, not 255"
	[ ! -s "$R/out" ] || give_up "there was output: $(head -c 200 "$R/out")"
	grep -qE -- "$1" "$R/err" || give_up "the client does not say '$1'"
	[ -z "$2" ] || wait_log "$2" || give_up "the log does not say '$2'"
}
