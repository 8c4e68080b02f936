#!/bin/bash
# README as written, word by word, in a fresh Debian: `Install the PAM module`
# and what it refers to, `First steps for an admin`; then a login, and su and
# sudo by key file and by card.
# limit: 1500
# shellcheck disable=SC2016	# single quotes: for shells in the machine
set -eu

[ -n "${README_INNER:-}" ] ||
    README_INNER=yes exec unshare -m --propagation private bash "$0"

R=$TMPDIR
ROOT=$R/root
ROOTFS=${ROOTFS:-$BUILD/rootfs}
SYSLOG=''
# a shell's environment there
MACHINE=(env -i HOME=/root LC_ALL=C.UTF-8 TERM=dumb MAKEFLAGS=-j2
	PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	chroot "$ROOT")

give_up()
{
	echo "FAILED: $*"
	tail -n 40 "$R/out" 2>/dev/null
	echo "-- the machine's log:"
	tail -n 10 "$R/log"
	exit 1
}

end()
{
	local rc=$?

	trap - EXIT
	kill $SYSLOG "$(pgrep -x certlogind)" 2>/dev/null || :
	wait || :
	exit $rc
}

# ---- the machine --------------------------------------------------------------
machine_make()
{
	local f

	[ -x "$ROOTFS/bin/sh" ] || {
		echo "no fresh Debian in $ROOTFS; ./check makes one by mmdebstrap"
		exit 77
	}
	mkdir "$ROOT" "$R/upper" "$R/work"
	mount -t overlay overlay \
	    -o "lowerdir=$ROOTFS,upperdir=$R/upper,workdir=$R/work" "$ROOT"
	mount -t proc proc "$ROOT/proc"
	mount -t tmpfs -o mode=0755 tmpfs "$ROOT/dev"
	mount -t tmpfs -o mode=0755 tmpfs "$ROOT/run"
	for f in null zero full random urandom tty; do
		: >"$ROOT/dev/$f"
		mount --bind "/dev/$f" "$ROOT/dev/$f"
	done
	mkdir "$ROOT/dev/pts" "$ROOT/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts \
	    "$ROOT/dev/pts"
	ln -s pts/ptmx "$ROOT/dev/ptmx"
	ln -s /proc/self/fd "$ROOT/dev/fd"
	python3 - "$ROOT/dev/log" "$R/log" <<-'END' &
	import socket, sys
	s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	s.bind(sys.argv[1])
	with open(sys.argv[2], "ab", buffering=0) as out:
	    while True:
	        out.write(s.recv(8192) + b"\n")
	END
	SYSLOG=$!
	echo '127.0.0.1 localhost srv1.example.org srv1' >"$ROOT/etc/hosts"
}

# the sources, without anything that was built from them
sources()
{
	mkdir "$ROOT/root/certlogin"
	if git -C "$SRC" rev-parse --git-dir >/dev/null 2>&1; then
		git -C "$SRC" ls-files -z
	else
		(cd "$SRC" && find . -type f ! -path './build*' \
		    ! -path './autom4te.cache/*' -print0)
	fi | tar -C "$SRC" --null -T - --ignore-failed-read -cf - 2>/dev/null |
	    tar -C "$ROOT/root/certlogin" -xf -
	[ -e "$ROOT/root/certlogin/configure.ac" ] || give_up "no sources"
}

# ---- what README says -----------------------------------------------------------
section()
{
	sed -n "/^## $1\$/,/^## /p" "$SRC/README.md"
}

# block N SECTION: its N-th block of commands or lines
block()
{
	section "$2" | awk -v n="$1" '
	    /^```/ { inside = !inside; if (inside) k++; next }
	    inside && k == n'
}

# says SECTION WORDS: README has these words, or this test runs others
says()
{
	section "$1" | tr '\n' ' ' | grep -qF -- "$2" ||
	    give_up "README does not say '$2' any more"
}

# ---- running --------------------------------------------------------------------
# in_machine DIR COMMAND…
in_machine()
{
	local dir=$1

	shift
	"${MACHINE[@]}" sh -c 'cd "$0" && exec "$@"' "$dir" "$@"
}

# as README DIR: stdin, a block of README, as a person types it at a prompt
run_block()
{
	in_machine "$1" bash -exc "$(cat)" >"$R/out" 2>&1 </dev/null
}

# at_terminal PROMPT ANSWER … -- COMMAND…: on a terminal, each question answered
# as often as it comes
at_terminal()
{
	python3 "$R/terminal.py" "$@" >"$R/out" 2>&1
}

terminal_make()
{
	cat >"$R/terminal.py" <<-'END'
	import os, pty, re, select, sys, time
	words = sys.argv[1:]
	at = words.index("--")
	answers = list(zip(words[0:at:2], words[1:at:2]))
	pid, fd = pty.fork()
	if pid == 0:
	    os.execvp(words[at + 1], words[at + 1:])
	seen, asked, end = "", 0, time.monotonic() + 120
	while time.monotonic() < end:
	    if not select.select([fd], [], [], 1)[0]:
	        continue
	    try:
	        got = os.read(fd, 4096).decode(errors="replace")
	    except OSError:
	        break
	    if not got:
	        break
	    sys.stdout.write(got)
	    seen += got
	    for prompt, answer in answers:
	        m = re.search(prompt + r"[^\n]*$", seen)
	        if m and seen.endswith((": ", "? ", ":", "] ")):
	            os.write(fd, (answer + "\n").encode())
	            seen = ""
	            break
	else:
	    os.kill(pid, 9)
	sys.stdout.flush()
	sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	END
}

# as WHO COMMAND…: in the machine, as this account
as()
{
	local who=$1

	shift
	in_machine / setpriv "--reuid=$who" "--regid=$who" --init-groups \
	    env "HOME=/home/$who" "USER=$who" "$@"
}

# asked QUESTION: it was, and by us
asked()
{
	grep -q -- "$1" "$R/out" || give_up "'$1' was not asked"
}

shows()
{
	tr -d '\r' <"$R/out" | grep -qx -- "$1" || give_up "no '$1'"
}

# ---- the steps ------------------------------------------------------------------
install_it()
{
	local user

	block 1 'Install the PAM module' | run_block /root/certlogin ||
	    give_up "building and installing"
	for user in net judge key p11; do
		in_machine / getent passwd _certlogin-$user >/dev/null ||
		    give_up "systemd-sysusers made no _certlogin-$user"
	done
	[ -e "$ROOT/usr/lib/x86_64-linux-gnu/security/pam_certlogin.so" ] ||
	    give_up "no module in the folder of PAM's modules"
}

realm_make()
{
	mkdir "$ROOT/root/realm"
	block 1 'First steps for an admin' >"$ROOT/root/realm/block"
	at_terminal '[Pp]assphrase' 'of the certificate authority' \
	    'The same again' 'of the certificate authority' -- \
	    "${MACHINE[@]}" bash -exc 'cd /root/realm && . ./block' || give_up "certlogin-ca"
	says 'First steps for an admin' 'systemctl enable --now certlogind'
	# no systemd runs here: log_in() starts it
	block 2 'First steps for an admin' | sed 's/ enable --now / enable /' |
	    run_block /root/realm || give_up "setting up srv1"
}

accounts_make()
{
	local who

	for who in alice bob; do
		in_machine / useradd -m "$who"
	done
	echo 'alice:alicepassword' | in_machine / chpasswd
	echo 'root:rootpassword' | in_machine / chpasswd
	echo 'alice ALL=(ALL) ALL' >"$ROOT/etc/sudoers.d/alice"
	chmod 0440 "$ROOT/etc/sudoers.d/alice"
	mkdir "$ROOT/home/alice/.certlogin"
	cp "$ROOT"/root/realm/alice/alice.crt \
	    "$ROOT/home/alice/.certlogin/id.crt"
	cp "$ROOT"/root/realm/alice/alice.key \
	    "$ROOT/home/alice/.certlogin/id.key"
	cp "$ROOT"/root/realm/alice/ca.crt "$ROOT/home/alice/.certlogin/"
	in_machine /home/alice/.certlogin openssl pkcs12 -export -in id.crt \
	    -inkey id.key -passout 'pass:of the key file' -out id.p12
	chmod 0600 "$ROOT/home/alice/.certlogin"/id.*
	in_machine / chown -R alice:alice /home/alice/.certlogin
}

log_in()
{
	in_machine / certlogind -D -e >"$R/certlogind.log" 2>&1 &
	says 'First steps for a user' 'certlogin srv1.example.org'
	for _ in {1..100}; do
		! as alice certlogin -o batchmode=yes srv1.example.org id -un \
		    >"$R/out" 2>&1 || break
		sleep 0.1
	done
	tr -d '\r' <"$R/out" | grep -qx alice ||
	    give_up "no login: $(cat "$R/certlogind.log")"
}

pam_make()
{
	block 2 'Install the PAM module' >"$ROOT/etc/certlogin/pam.conf"
	grep -q '^source = token,file$' "$ROOT/etc/certlogin/pam.conf" ||
	    give_up "the block of pam.conf is another one"
	# the terminals of this test are no console of the machine
	echo 'remote = allow' >>"$ROOT/etc/certlogin/pam.conf"
	says 'Install the PAM module' '`pam-auth-update --enable certlogin`'
	in_machine / env DEBIAN_FRONTEND=noninteractive \
	    pam-auth-update --enable certlogin >"$R/out" 2>&1 ||
	    give_up "pam-auth-update"
}

# su_to_alice WORD: bob, who knows it, or does not
su_to_alice()
{
	at_terminal 'Passphrase of' "$1" 'PIN of' "$1" 'Password' "$1" -- \
	    "${MACHINE[@]}" setpriv --reuid=bob --regid=bob --init-groups \
	    su alice -c 'id -un'
}

sudo_by_alice()
{
	at_terminal 'Passphrase of' "$1" 'PIN of' "$1" '[Pp]assword' "$1" -- \
	    "${MACHINE[@]}" setpriv --reuid=alice --regid=alice \
	    --init-groups sudo -k id -un
}

# by WAY QUESTION RIGHT: su and sudo let in whoever knows it, and nobody else
by()
{
	echo "$1"
	su_to_alice "$3" || give_up "su by $1"
	asked "$2"
	shows alice
	! su_to_alice 'something else' || give_up "su by $1, wrongly answered"
	asked "$2"
	sudo_by_alice "$3" || give_up "sudo by $1"
	asked "$2"
	shows root
	! sudo_by_alice 'something else' ||
	    give_up "sudo by $1, wrongly answered"
	asked "$2"
}

# the card of a reader that there is not: SoftHSM instead of OpenSC
card_make()
{
	local dir=$ROOT/var/lib/card

	mkdir -p "$dir/tokens"
	printf 'directories.tokendir = /var/lib/card/tokens\n' >"$dir/conf"
	cp "$ROOT"/root/realm/alice/alice.crt "$ROOT"/root/realm/alice/alice.key \
	    "$dir"
	in_machine /var/lib/card sh -ec '
	    openssl pkcs8 -topk8 -nocrypt -in alice.key -out key
	    openssl x509 -in alice.crt -outform DER -out der
	    export SOFTHSM2_CONF=/var/lib/card/conf
	    M=/usr/lib/softhsm/libsofthsm2.so
	    softhsm2-util --init-token --free --label card --pin 1234 \
		--so-pin 5678
	    softhsm2-util --import key --token card --label key --id 01 \
		--pin 1234
	    pkcs11-tool --module $M --token-label card --login --pin 1234 \
		--write-object der --type cert --id 01
	    rm key der alice.key
	    chown -R _certlogin-p11: tokens
	' >"$R/out" 2>&1 || give_up "no card"
	sed -i -e 's|^module = .*|module = /usr/lib/softhsm/libsofthsm2.so|' \
	    -e '/^module =/a module-env = SOFTHSM2_CONF=/var/lib/card/conf' \
	    "$ROOT/etc/certlogin/pam.conf"
}

step_one()
{
	local dir=/usr/share/doc/certlogin/examples/pam.d/step-1

	says 'Install the PAM module' "\`$dir\`"
	in_machine / env DEBIAN_FRONTEND=noninteractive \
	    pam-auth-update --disable certlogin >"$R/out" 2>&1 ||
	    give_up "pam-auth-update"
	su_to_alice alicepassword || give_up "su by password"
	! su_to_alice 1234 || give_up "su by a PIN, and no module"
	in_machine / sh -c "cp $dir/su $dir/sudo /etc/pam.d/"
}

machine_make
trap end EXIT
terminal_make
sources
echo "installing"
install_it
echo "a realm, a host, a login"
realm_make
accounts_make
log_in
pam_make
by "the key file, with pam.conf as it stands there" 'Passphrase of' \
    'of the key file'
su_to_alice alicepassword || give_up "su by password, beside certificates"
card_make
by "the card" 'PIN of' 1234
step_one
by "the card, with the samples of step 1" 'PIN of' 1234
in_machine / su alice -c 'id -un' >"$R/out" 2>&1 </dev/null ||
    give_up "su by root"
shows alice
