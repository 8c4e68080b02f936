# shellcheck shell=bash
# Runs pages of docs/ word by word.  Source it and call pages.
#
# What a page runs on is made here: a Debian machine srv1.example.org with
# certlogin installed as by its packages, in this test's name spaces.  The
# programs of $BUILD/inst are seen in /usr, and /etc/certlogin,
# /var/lib/certlogin and /run/certlogin are where they look; what they print of
# that prefix is taken out.  systemctl is a stand-in that starts and stops
# certlogind; blocks that need more of systemd, or a network, are not run.
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

PREFIX=$BUILD/inst
GROUP=''

# over FOLDER BELOW: the files of the installation in a folder of the system
over()
{
	mkdir -p "$2"
	mount -t overlay overlay -o "lowerdir=$2:$1" "$1"
}

# kept_at FOLDER OURS: the same folder at both places
kept_at()
{
	mkdir -p "$1" "$2"
	mount --bind "$1" "$2"
}

docs_programs()
{
	local lib

	lib=/usr/lib/$(gcc -print-multiarch)/security
	mkdir -p "$R/docs/upper" "$R/docs/work" "$R/docs/sbin" "$R/docs/share"
	cp -a "$PREFIX/sbin/." "$R/docs/sbin/"
	docs_systemctl
	over /usr/bin "$PREFIX/bin"
	over /usr/sbin "$R/docs/sbin"
	over "$lib" "$PREFIX/lib/security"
	over /usr/share/doc "$PREFIX/share/doc"
	over /usr/share/pam-configs "$PREFIX/share/pam-configs"
}

docs_systemctl()
{
	cat >"$R/docs/sbin/systemctl" <<-'END'
	#!/bin/bash
	# stands in for systemd, of which a test has none
	case "$*" in
	"enable --now certlogind"|"start certlogind") exec certlogind ;;
	"reload certlogind") exec certloginctl reload ;;
	esac
	echo "systemctl $*: not here" >&2
	exit 1
	END
	chmod 0755 "$R/docs/sbin/systemctl"
}

# What the packages' scripts do, and whose folders they are.
docs_installed()
{
	mount -t overlay overlay -o "lowerdir=$PREFIX,upperdir=$R/.isolate/upper,workdir=$R/.isolate/work" "$PREFIX"
	rm -rf /var/lib/certlogin /etc/certlogin /var/lib/certlogin-ca
	mkdir /etc/certlogin /var/lib/certlogin
	install -m 0644 /dev/null /var/lib/certlogin/locks.map
	kept_at /etc/certlogin "$PREFIX/etc/certlogin"
	kept_at /var/lib/certlogin "$PREFIX/var/lib/certlogin"
	kept_at /var/lib/certlogin-ca "$PREFIX/var/lib/certlogin-ca"
	chmod 0700 /var/lib/certlogin-ca
	kept_at /run/certlogin "$PREFIX/var/run/certlogin"
	install -m 0644 "$PREFIX/share/doc/certlogin/examples/pam.d/certlogind" \
	    /etc/pam.d/
	systemd-sysusers "$PREFIX/lib/sysusers.d/certlogin.conf"
}

docs_machine()
{
	need_program certlogind certlogin certlogin-ca certlogin-map \
	    systemd-sysusers softhsm2-util pkcs11-tool p11tool certtool sudo \
	    openssl
	mkdir -p "$R/.isolate/upper" "$R/.isolate/work"
	trap docs_end EXIT
	pam_dev
	pam_syslog
	mount -t tmpfs -o mode=0700 tmpfs /root
	mount -t tmpfs -o mode=0755 tmpfs /home
	hostname srv1
	printf '127.0.0.1 localhost\n127.0.1.1 srv1.example.org srv1\n' \
	    >/etc/hosts
	docs_installed
	docs_programs
	export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
}

# what listens and what sits in a session: certlogind first
docs_pids()
{
	local p

	for p in /proc/[0-9]*; do
		case $(cat "$p/comm" 2>/dev/null) in
		certlogin*) echo "${p#/proc/}" ;;
		esac
	done
}

docs_stop()
{
	local pid

	for pid in $(docs_pids); do
		kill "$pid" 2>/dev/null || :
	done
	[ -z "$(docs_pids)" ]
}

docs_end()
{
	local rc=$?

	trap - EXIT
	wait_for 10 docs_stop || rc=1
	[ -z "$SYSLOG" ] || kill "$SYSLOG"
	if [ -n "$GROUP" ]; then
		wait_for 5 rmdir "$GROUP" || rc=1
		rmdir "${GROUP%/*}" "${GROUP%/*/*}" 2>/dev/null || :
	fi
	if [ $rc -ne 0 ]; then
		echo "-- the log:"
		tail -n 20 "$R/log"
	fi
	exit $rc
}

# a session of logind's with a seat, for blocks `at console`
docs_console()
{
	local top session

	top=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
	# cgroups are everybody's: a name, and a folder, of this test's own
	session=docs$(od -An -N6 -tx1 /dev/urandom | tr -d ' ')
	GROUP=$top/user.slice/user-$session.slice/session-$session.scope
	[ -n "$top" ] && wait_for 5 mkdir -p "$GROUP" 2>/dev/null || {
		GROUP=''
		echo "needs the right to make a cgroup below a cgroup2 mount"
		exit 77
	}
	mkdir -p /run/systemd/sessions /run/systemd/seats /run/systemd/users
	printf '%s\n' UID=1000 USER=alice CLASS=user TYPE=tty ACTIVE=1 \
	    STATE=active REMOTE=0 SEAT=seat0 VTNR=1 \
	    >"/run/systemd/sessions/$session"
	export DOCS_CONSOLE=$GROUP
}

# the sources, as somebody has them who builds
docs_sources()
{
	mkdir "$1"
	tar -C "$SRC" --exclude=./.git --exclude='./build*' \
	    --exclude=autom4te.cache -cf - . |
	    tar -C "$1" --no-same-owner -xf -
	cp -R "$SRC/build-aux" "$1/" 2>/dev/null || mkdir "$1/build-aux"
}

# pages NAME[@HEADING]…: one after the other, each up to that heading
pages()
{
	docs_machine
	! grep -q 'at console' "${@/#/$SRC/docs/}" 2>/dev/null || docs_console
	! grep -q '/root/certlogin' "${@/#/$SRC/docs/}" 2>/dev/null ||
	    docs_sources /root/certlogin
	python3 "$SRC/tests/lib/docs.py" "$PREFIX" "" "${@/#/$SRC/docs/}"
}
