# shellcheck shell=bash disable=SC2034
# OpenSSH as it comes with Debian, for tests/bench.  Needs realm.sh.
#
#	sshd_unpack		the packages, over a copy of /usr
#	sshd_pack		away with that copy
#	sshd_make		keys, certificates, configuration in $R/ssh
#	sshd_start, sshd_stop	SSHD is its pid
#	SSH			the client and its options; host is localhost

SSH_PORT=${SSH_PORT:-2222}
SSHD=''
SSH=(ssh -F none -p "$SSH_PORT" -i "$R/ssh/user" -l alice
	-o BatchMode=yes -o IdentitiesOnly=yes -o IdentityAgent=none
	-o "UserKnownHostsFile=$R/ssh/known" -o GlobalKnownHostsFile=none)

sshd_unpack()
{
	local private=$R/.isolate/usr

	mkdir -p "$private.upper" "$private.work"
	mount -t overlay overlay -o \
	    "lowerdir=/usr,upperdir=$private.upper,workdir=$private.work" \
	    /usr || give_up "cannot mount an overlay on /usr"
	DEBIAN_FRONTEND=noninteractive dpkg -i "$BUILD"/packages/*.deb \
	    >"$R/dpkg.log" 2>&1 || {
		tail -n 5 "$R/dpkg.log"
		give_up "cannot unpack openssh-server"
	}
}

sshd_pack()
{
	! mountpoint -q /usr || umount -l /usr
}

# ssh_key NAME: $R/ssh/NAME and NAME.pub
ssh_key()
{
	ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$R/ssh/$1"
}

sshd_make()
{
	local ssh=$R/ssh name

	mkdir -p "$ssh" /run/sshd
	for name in ca host user; do
		ssh_key $name
	done
	ssh-keygen -q -s "$ssh/ca" -I host -h -n localhost -V +1d \
	    "$ssh/host.pub"
	ssh-keygen -q -s "$ssh/ca" -I alice -n alice -V +1d "$ssh/user.pub"
	echo "@cert-authority * $(cat "$ssh/ca.pub")" >"$ssh/known"
	cat >"$ssh/sshd_config" <<-END
	Port $SSH_PORT
	ListenAddress 127.0.0.1
	HostKey $ssh/host
	HostCertificate $ssh/host-cert.pub
	TrustedUserCAKeys $ssh/ca.pub
	PidFile none
	UsePAM yes
	PasswordAuthentication no
	KbdInteractiveAuthentication no
	X11Forwarding yes
	PrintMotd no
	AcceptEnv LANG LC_*
	Subsystem sftp /usr/lib/openssh/sftp-server
	END
}

sshd_listening()
{
	[ -n "$(ss -Hltn "sport = :$SSH_PORT")" ]
}

sshd_start()
{
	/usr/sbin/sshd -D -e -f "$R/ssh/sshd_config" >>"$R/ssh/log" 2>&1 &
	SSHD=$!
	wait_for 20 sshd_listening || give_up "sshd did not start:
$(tail -n 5 "$R/ssh/log")"
}

sshd_stop()
{
	[ -z "$SSHD" ] || kill "$SSHD" 2>/dev/null || :
	SSHD=''
}
