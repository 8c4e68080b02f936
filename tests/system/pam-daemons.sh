#!/bin/bash
# With our profile in every service: Debian's sshd lets its keys in, its cron
# runs jobs; also when our configuration is broken.
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

PORT=2222
DAEMON=''

# unpack: what is not installed, from packages that ./check downloaded; they
# are not installed, for that would start them on the host
unpack()
{
	local deb

	mkdir "$R/unpacked"
	for deb in "${PACKAGES:-$BUILD/packages}"/*.deb; do
		[ ! -e "$deb" ] || dpkg-deb -x "$deb" "$R/unpacked"
	done
	cp -n "$R/unpacked"/etc/pam.d/* /etc/pam.d/ 2>/dev/null || :
	LD_LIBRARY_PATH=$(find "$R/unpacked" -name 'lib*.so.*' -printf '%h\n' |
	    sort -u | paste -sd:)
	export LD_LIBRARY_PATH
	PATH=$R/unpacked/usr/sbin:$PATH
	need_program sshd cron ssh ssh-keygen
}

# stop: the daemon
stop()
{
	kill "$DAEMON"
	wait "$DAEMON" 2>/dev/null || :
}

# ---- sshd -----------------------------------------------------------------
sshd_make()
{
	mkdir -p "$R/ssh" /run/sshd
	ssh-keygen -q -t ed25519 -N '' -f "$R/ssh/host"
	ssh-keygen -q -t ed25519 -N '' -f "$R/ssh/user"
	cp "$R/ssh/user.pub" "$R/ssh/authorized"
	echo "[localhost]:$PORT $(cat "$R/ssh/host.pub")" >"$R/ssh/known"
	grep -q ^sshd: /etc/passwd ||
	    useradd --system --home-dir /run/sshd --shell /bin/false sshd
	cat >"$R/ssh/config" <<-END
	Port $PORT
	ListenAddress 127.0.0.1
	HostKey $R/ssh/host
	PidFile none
	UsePAM yes
	StrictModes no
	AuthorizedKeysFile $R/ssh/authorized
	PasswordAuthentication no
	KbdInteractiveAuthentication no
	PrintMotd no
	END
	sshd_parts >>"$R/ssh/config"
}

# OpenSSH 10 runs two more programs
sshd_parts()
{
	local dir=$R/unpacked/usr/lib/openssh

	[ -x "$dir/sshd-session" ] || return 0
	echo "SshdSessionPath $dir/sshd-session"
	echo "SshdAuthPath $dir/sshd-auth"
}

listens()
{
	[ -n "$(ss -Hltn "sport = :$PORT")" ]
}

# by_key: alice's login, by ssh; its exit status
by_key()
{
	ssh -F none -p $PORT -i "$R/ssh/user" -l alice -o BatchMode=yes \
	    -o IdentitiesOnly=yes -o IdentityAgent=none \
	    -o "UserKnownHostsFile=$R/ssh/known" localhost \
	    'id -un; echo "identity:$CERTLOGIN_IDENTITY."' >"$R/out" \
	    2>"$R/err" </dev/null
}

gets_in()
{
	by_key || give_up "sshd's keys are broken: $(tail -n 5 "$R/ssh/log")"
	[ "$(cat "$R/out")" = "alice
identity:." ] || give_up "not alice's session"
}

# ---- cron -----------------------------------------------------------------
cron_make()
{
	# the host's own jobs are not for here
	rm -rf /etc/crontab /etc/cron.d
	mkdir /etc/cron.d
	mount -t tmpfs tmpfs /var/spool
	mkdir -p /var/spool/cron/crontabs
	cat >/etc/cron.d/job <<-END
	@reboot alice id -un >$R/home/alice/job
	END
	chmod 0644 /etc/cron.d/job
}

# cron_starts: as after booting
cron_starts()
{
	rm -f /run/crond.reboot "$R/home/alice/job"
	log_mark
	cron -f >"$R/cron.log" 2>&1 &
	DAEMON=$!
}

has_run()
{
	[ "$(cat "$R/home/alice/job" 2>/dev/null)" = alice ]
}

runs_jobs()
{
	cron_starts
	wait_for 20 has_run || give_up "cron is broken: $(cat "$R/cron.log")"
	stop
}

pam_make
profile_make
unpack
sshd_make
cron_make
sshd=$(command -v sshd)
profile_update --enable certlogin
for file in auth account session; do
	grep -q pam_certlogin /etc/pam.d/common-$file ||
	    give_up "common-$file does not have it"
done

echo "sshd's keys"
"$sshd" -D -e -f "$R/ssh/config" >"$R/ssh/log" 2>&1 &
DAEMON=$!
wait_for 20 listens || give_up "no sshd: $(cat "$R/ssh/log")"
gets_in
cp "$R/etc/pam.conf" "$R/good.conf"
echo nonsense >>"$R/etc/pam.conf"
gets_in
cp "$R/good.conf" "$R/etc/pam.conf"

echo "it does go by these files"
cp /etc/pam.d/common-account "$R/common-account"
echo 'account requisite pam_deny.so' >/etc/pam.d/common-account
! by_key || give_up "sshd does not ask PAM"
cp "$R/common-account" /etc/pam.d/common-account
gets_in
stop

echo "cron's jobs"
runs_jobs
echo nonsense >>"$R/etc/pam.conf"
runs_jobs
echo 'account requisite pam_deny.so' >/etc/pam.d/common-account
cron_starts
wait_log '[Pp]ermission denied|[Aa]uthentication failure' ||
    give_up "cron does not ask PAM"
! has_run || give_up "cron does not obey PAM"
stop
