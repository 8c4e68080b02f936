# shellcheck shell=bash
# The PAM module with cards of SoftHSM and with key files, for system tests.
# Source it first thing: it runs the test again in a mount namespace of its
# own, with a /dev whose log goes to $R/log.  Then call pam_make.
#
#	$R/etc/pam.conf		the module's configuration
#	/etc/pam.d/try		a service with nothing but the module

if [ -z "${PAM_INNER:-}" ]; then
	[ -d "$TMPDIR/.isolate" ] || {
		echo "run this by tests/run"
		exit 77
	}
	PAM_INNER=yes exec unshare -m --propagation private bash "$0"
fi
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/lab.sh
. "$SRC/tests/lib/lab.sh"

SO=$BUILD/inst/lib/security/pam_certlogin.so
SOFTHSM=/usr/lib/softhsm/libsofthsm2.so
P11_USER=62004
SYSLOG=''
CARD_ID=0

# a /dev with what programs need, and a log of our own
pam_dev()
{
	local f

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
}

pam_syslog()
{
	: >"$R/log"
	python3 - "$R/log" <<-'END' &
	import os, socket, sys
	s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	s.bind("/dev/log")
	os.chmod("/dev/log", 0o666)
	with open(sys.argv[1], "ab", buffering=0) as out:
	    while True:
	        out.write(s.recv(8192) + b"\n")
	END
	SYSLOG=$!
	wait_for 10 test -S /dev/log || give_up "no log"
}

pam_end()
{
	local rc=$?

	trap - EXIT
	[ -z "$SYSLOG" ] || kill "$SYSLOG"
	exit $rc
}

# as_p11 COMMAND…: as the user that holds cards
as_p11()
{
	setpriv --reuid=$P11_USER --regid=$P11_USER --clear-groups \
	    env SOFTHSM2_CONF="$R/softhsm2.conf" "$@"
}

# card_new LABEL [PIN]: an empty card in a reader
card_new()
{
	as_p11 softhsm2-util --init-token --free --label "$1" \
	    --pin "${2:-1234}" --so-pin 5678 >/dev/null
}

# card_pull: no card in any reader
card_pull()
{
	rm -rf "${R:?}/tokens"
	mkdir -m 0700 "$R/tokens"
	chown $P11_USER:$P11_USER "$R/tokens"
}

# card_cert LABEL CERT: a certificate without a key, at the next place
card_cert()
{
	CARD_ID=$((CARD_ID + 1))
	openssl x509 -in "$2" -outform DER -out "$R/card.der"
	as_p11 pkcs11-tool --module $SOFTHSM --token-label "$1" --login \
	    --pin "${3:-1234}" --write-object "$R/card.der" --type cert \
	    --id "$(printf %02x $CARD_ID)" --label "cert $CARD_ID" \
	    >/dev/null 2>&1 || give_up "no certificate on card $1"
}

# card_put LABEL KEY CERT [PIN]: both of them
card_put()
{
	openssl pkcs8 -topk8 -nocrypt -in "$2" -out "$R/card.key"
	chmod 0644 "$R/card.key"
	card_cert "$1" "$3" "${4:-1234}"
	as_p11 softhsm2-util --import "$R/card.key" --token "$1" \
	    --label "key $CARD_ID" --id "$(printf %02x $CARD_ID)" \
	    --pin "${4:-1234}" >/dev/null || give_up "no key on card $1"
}

# card_of WHO: a card with WHO's certificate alone
card_of()
{
	card_pull
	card_new card
	card_put card "$R/$1/$1.key" "$R/$1/$1.crt"
}

# file_of WHO ACCOUNT: WHO's key and certificate as ACCOUNT's id.pem; the
# passphrase is $PASS
PASS='a passphrase of the file'
file_of()
{
	local file=$R/home/$2/id.pem

	openssl pkcs8 -topk8 -v2 aes256 -in "$R/$1/$1.key" \
	    -passout "pass:$PASS" >"$file"
	cat "$R/$1/$1.crt" >>"$file"
	chown "$2:$2" "$file"
	chmod 0600 "$file"
}

# service NAME [ARGUMENT…]: a PAM service of the module alone
service()
{
	local name=$1

	shift
	cat >"/etc/pam.d/$name" <<-END
	auth     required $SO conf=$R/etc/pam.conf $*
	account  required $SO conf=$R/etc/pam.conf $*
	account  required pam_permit.so
	session  required $SO conf=$R/etc/pam.conf $*
	password required $SO conf=$R/etc/pam.conf $*
	END
}

pam_make()
{
	need_program pamtester softhsm2-util pkcs11-tool openssl
	[ -e "$SO" ] || {
		echo "built without the PAM module"
		exit 77
	}
	realm_make
	trap pam_end EXIT
	pam_dev
	pam_syslog
	cat >"$R/softhsm2.conf" <<-END
	directories.tokendir = $R/tokens
	objectstore.backend = file
	log.level = ERROR
	END
	card_pull
	cat >"$R/etc/pam.conf" <<-END
	[pam]
	module     = $SOFTHSM
	module-env = SOFTHSM2_CONF=$R/softhsm2.conf
	p11-user   = $P11_USER
	judge-user = 62002
	trust      = $R/etc/trust.conf
	map        = $R/etc/identity.map
	state-dir  = $R/state
	debug      = yes
	END
	service try
}

# set_pam KEY VALUE: in pam.conf
set_pam()
{
	sed -i "/^$1 *=/d" "$R/etc/pam.conf"
	echo "$1 = $2" >>"$R/etc/pam.conf"
}

# try ACCOUNT SERVICE [ANSWER…]: authenticate, then account and session;
# what the person saw is in $R/err, exit status in $rc
try()
{
	local account=$1 name=$2

	shift 2
	log_mark
	rc=0
	printf '%s\n' "$@" | timeout 60 env "${SANITIZED[@]}" pamtester -v "${TRY_OPTIONS[@]}" \
	    "$name" "$account" "${TRY[@]}" >"$R/err" 2>&1 || rc=$?
}
# a program without sanitizers, for a module with them
SANITIZED=()
if grep -q '^#define WITH_SANITIZERS' "$BUILD/config.h"; then
	SANITIZED=("LD_PRELOAD=$(gcc -print-file-name=libasan.so)"
	    ASAN_OPTIONS=detect_leaks=0)
fi
TRY_OPTIONS=()
TRY=(authenticate acct_mgmt open_session close_session)

# lets_in ACCOUNT SERVICE [ANSWER…]
lets_in()
{
	try "$@"
	[ $rc -eq 0 ] || give_up "$1 should get in by $2 (exit $rc)"
	wait_log "authenticated: account=$1 " || give_up "not in the log"
}

# keeps_out PERSON LOG ACCOUNT SERVICE [ANSWER…]: what the person sees, and
# why in the log
keeps_out()
{
	local person=$1 log=$2

	shift 2
	try "$@"
	[ $rc -ne 0 ] || give_up "$1 got in by $2"
	! grep -q 'successfully authenticated' "$R/err" ||
	    give_up "$1 was authenticated by $2"
	grep -qE -- "$person" "$R/err" || give_up "no '$person' to the person"
	[ -z "$log" ] || wait_log "$log" || give_up "no '$log' in the log"
}

# not_asked: there was no question in the last try
not_asked()
{
	! grep -qE 'PIN of|Passphrase of' "$R/err" || give_up "was asked"
}

# profile_make: our profile among the system's, the module's configuration
# named in it; debconf's answers are not those of the host
profile_make()
{
	need_program pam-auth-update
	cp -a /var/cache/debconf "$R/debconf"
	mount --bind "$R/debconf" /var/cache/debconf
	mkdir "$R/pam-configs"
	cp /usr/share/pam-configs/* "$R/pam-configs/"
	sed "s|pam_certlogin\.so|$SO conf=$R/etc/pam.conf|" \
	    "$BUILD/inst/share/pam-configs/certlogin" \
	    >"$R/pam-configs/certlogin"
	mount --bind "$R/pam-configs" /usr/share/pam-configs
}

# profile_update ARGUMENT…: pam-auth-update
profile_update()
{
	DEBIAN_FRONTEND=noninteractive pam-auth-update "$@" >"$R/out" 2>&1 ||
	    give_up "pam-auth-update $*: $(cat "$R/out")"
}
