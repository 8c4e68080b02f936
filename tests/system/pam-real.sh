#!/bin/bash
# The sample stacks with the real su, sudo and login, step by step: who is
# asked for what, what they export, and what still works beside them.
# limit: 300
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

AS_ALICE=(setpriv --reuid=42001 --regid=42001 --init-groups)

# step N: the samples as they are, but for the place of module and
# configuration
step()
{
	local f

	for f in "$SRC/etc/pam.d/step-$1"/*; do
		sed "s|pam_certlogin\.so|$SO conf=$R/etc/pam.conf|" "$f" \
		    >"/etc/pam.d/${f##*/}"
	done
}

# run ANSWER COMMAND…: output in $R/out, what was said in $R/err, status $rc
run()
{
	local answer=$1

	shift
	log_mark
	rc=0
	printf '%s\n' "$answer" | timeout 60 "$@" >"$R/out" 2>"$R/err" || rc=$?
}

works()
{
	run "$@"
	[ $rc -eq 0 ] || give_up "$* (exit $rc)"
}

fails()
{
	run "$@"
	[ $rc -ne 0 ] || give_up "$* worked: $(cat "$R/out")"
}

is()
{
	[ "$(tail -n 1 "$R/out")" = "$1" ] ||
	    give_up "'$(cat "$R/out")', not '$1'"
}

# at_console NAME ANSWER…: the real login on a terminal; ends with a shell that
# says who it is
at_console()
{
	local name=$1

	shift
	log_mark
	python3 - "$name" "$@" >"$R/err" 2>&1 <<-'END' || :
	import os, pty, select, sys, time
	name, answers = sys.argv[1], sys.argv[2:]
	pid, fd = pty.fork()
	if pid == 0:
	    os.execvp("login", ["login", name])
	answers.append("echo WHO=$(id -un); echo IDENTITY=$CERTLOGIN_IDENTITY; exit")
	seen, end = "", time.time() + 30
	while time.time() < end:
	    if not select.select([fd], [], [], 0.5)[0]:
	        continue
	    try:
	        data = os.read(fd, 4096).decode(errors="replace")
	    except OSError:
	        # login hangs up its terminal and opens it again
	        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
	            break
	        time.sleep(0.01)
	        continue
	    sys.stdout.write(data)
	    seen += data
	    if answers and seen.rstrip(" ").endswith((":", "$", "#")):
	        os.write(fd, (answers.pop(0) + "\n").encode())
	        seen = ""
	    if "Login incorrect" in seen:
	        os.kill(pid, 9)
	        break
	os.waitpid(pid, 0)
	END
}

console_admits()
{
	at_console "$@"
	grep -q "WHO=$1" "$R/err" || give_up "$1 did not get in at the console"
}

console_refuses()
{
	at_console "$@"
	! grep -q "WHO=$1" "$R/err" || give_up "$1 got in at the console"
}

pam_make
need_program su sudo login openssl
usermod -p "$(openssl passwd -6 rootpassword)" root
usermod -p "$(openssl passwd -6 alicepassword)" alice
echo 'alice ALL=(bob) ALL' >/etc/sudoers.d/test
echo 'Defaults !lecture,timestamp_timeout=0' >>/etc/sudoers.d/test
chmod 0440 /etc/sudoers.d/test
set_pam remote allow
step 1

echo "su asks for the target's card"
card_of bob
works 1234 "${AS_ALICE[@]}" su bob -c 'id -un'
is bob
grep -q 'PIN of card' "$R/err" "$R/out" || give_up "no prompt"
wait_log 'pam_certlogin\(su:auth\): authenticated: account=bob'
# shellcheck disable=SC2016	# su's shell expands it
works 1234 "${AS_ALICE[@]}" su bob -c 'echo "$CERTLOGIN_IDENTITY"'
is "user uri=spiffe://$REALM/user/bob"
fails 9999 "${AS_ALICE[@]}" su bob -c 'id -un'
fails 1234 "${AS_ALICE[@]}" su carol -c 'id -un'

echo "su under limits, without stderr, SIGCHLD ignored"
# pam_limits would raise them again, which root may lack the right to; and su
# itself ends with 1 where it cannot wait for its child
cp /etc/pam.d/su "$R/su"
sed -i /pam_limits/d /etc/pam.d/su
run 1234 "${AS_ALICE[@]}" bash -c \
    'ulimit -t 1; trap "" CHLD; exec su bob -c "id -un" 2>&-'
is bob
cp "$R/su" /etc/pam.d/su

echo "sudo asks for whoever calls it"
echo "allow user user uri=spiffe://$REALM/user/carol as carol" \
    >>"$R/etc/identity.map"
card_of carol
fails 1234 "${AS_ALICE[@]}" sudo -S -u bob id -un
card_of alice
works 1234 "${AS_ALICE[@]}" sudo -S -u bob id -un
is bob
wait_log 'pam_certlogin\(sudo:auth\): authenticated: account=alice'
fails 9999 "${AS_ALICE[@]}" sudo -S -u bob id -un

echo "su by root asks for nothing"
works '' su bob -c 'id -un'
is bob

echo "login by card, then by password: step 1"
console_admits alice 1234
grep -q "IDENTITY=user uri=spiffe://$REALM/user/alice" "$R/err" ||
    give_up "no identity"
card_pull
console_admits alice alicepassword
console_admits root rootpassword
works alicepassword "${AS_ALICE[@]}" sudo -S -u bob id -un

echo "step 2: passwords are gone, root's console stays"
step 2
fails alicepassword "${AS_ALICE[@]}" sudo -S -u bob id -un
console_refuses alice alicepassword
console_admits root rootpassword
faillock --user alice --reset
card_of alice
console_admits alice 1234
works 1234 "${AS_ALICE[@]}" sudo -S -u bob id -un
works '' su bob -c 'id -un'

# every_crl FROM TO NUMBER: a CRL of each authority of trust.conf, by its CA's
# own key, from and to these dates
every_crl()
{
	local class dir

	for class in user device host; do
		dir=$R/aged/$class
		mkdir -p "$dir"
		openssl pkey -in "$R/ca/keys/$class-1.key" \
		    -passin "file:$R/passphrase" -out "$dir/ca.key"
		cp "$R/etc/ca/$class.crt" "$dir/ca.crt"
		: >"$dir/index.txt"
		echo "$3" >"$dir/crlnumber"
		lab_config "$dir"
		lab_crl "$dir" "$R/etc/crl/$class.crl" -md sha384 \
		    -crl_lastupdate "$(date -u -d "$1" +%Y%m%d%H%M%SZ)" \
		    -crl_nextupdate "$(date -u -d "$2" +%Y%m%d%H%M%SZ)"
	done
	[ "$(sed -n 's/^crl  *= //p' "$R/etc/trust.conf" | wc -l)" -eq 3 ] ||
	    give_up "trust.conf has other CRLs, too"
}

echo "every CRL stale: root's console"
every_crl '40 days ago' '26 days ago' 50
log_mark
console_refuses alice 1234
wait_log 'refused for account "alice": .*CRL.*stale' || give_up "not stale"
console_admits root rootpassword
works '' su bob -c 'id -un'

echo "and the configuration broken"
echo 'nonsense' >>"$R/etc/pam.conf"
console_admits root rootpassword
works '' su bob -c 'id -un'
sed -i '$d' "$R/etc/pam.conf"
every_crl '1 hour ago' '13 days' 60
faillock --user alice --reset
console_admits alice 1234

echo "a remote session: su alice while her card is in the reader"
sed -i '/^remote/d' "$R/etc/pam.conf"
fails 1234 setpriv --reuid=42002 --regid=42002 --init-groups \
    su alice -c 'id -un'
wait_log 'not asked: the caller' || give_up "was asked"
! grep -q 'PIN of' "$R/err" "$R/out" || give_up "was asked"
set_pam remote allow
works 1234 setpriv --reuid=42002 --regid=42002 --init-groups \
    su alice -c 'id -un'

echo "guessing alice's passphrase through su: the sixth try"
card_pull
file_of alice alice
set_pam source file
set_pam file %h/id.pem
works "$PASS" setpriv --reuid=42002 --regid=42002 --init-groups \
    su alice -c 'id -un'
for i in 1 2 3 4 5; do
	fails "guess $i" setpriv --reuid=42002 --regid=42002 --init-groups \
	    su alice -c 'id -un'
	grep -q 'wrong passphrase' "$R/err" "$R/out" || give_up "try $i"
done
fails "$PASS" setpriv --reuid=42002 --regid=42002 --init-groups \
    su alice -c 'id -un'
! grep -q 'Passphrase of' "$R/err" "$R/out" || give_up "asked a sixth time"
faillock --user alice --reset
works "$PASS" setpriv --reuid=42002 --regid=42002 --init-groups \
    su alice -c 'id -un'

echo "the locker, without root"
set_pam remote allow
works "$PASS" "${AS_ALICE[@]}" pamtester locker alice authenticate acct_mgmt
fails other "${AS_ALICE[@]}" pamtester locker alice authenticate
