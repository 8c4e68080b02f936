#!/bin/bash
# certlogin-ca and its secrets: who can read what, passphrases from a file and
# from a terminal.
# also-in: sanitizers
set -eu -o pipefail
# shellcheck source=tests/lib/ca.sh
. "$SRC/tests/lib/ca.sh"

umask 000
echo "modes, whatever the umask"
done_by init --realm $REALM
done_by issue user alice --out "$R/new/alice" --p12 --p12-passphrase-file \
    "$R/passphrase"
done_by export --out "$R/etc"
mode()
{
	[ "$(stat -c %a "$2")" = "$1" ] ||
	    give_up "$2 has mode $(stat -c %a "$2"), not $1"
}
for f in ca ca/keys new new/alice; do mode 700 "$R/$f"; done
for f in ca/ca.db ca/lock ca/keys/{root,user,device,host}-1.key \
    new/alice/alice.key new/alice/alice.p12; do
	mode 600 "$R/$f"
done
for f in new/alice/alice.crt new/alice/ca.crt etc/trust.conf \
    etc/ca/user.crt etc/crl/user.crl; do
	mode 644 "$R/$f"
done
for f in etc etc/ca etc/crl; do mode 755 "$R/$f"; done
grep -q 'BEGIN ENCRYPTED PRIVATE KEY' "$R/ca/keys/user-1.key" ||
    give_up "the CA's key is not encrypted"
openssl pkcs12 -in "$R/new/alice/alice.p12" -passin pass:wrong -noout \
    2>/dev/null && give_up "the p12 opens with any passphrase"

echo "files that others could have read or written"
refuse_pass()
{
	rc=0
	certlogin-ca --dir "$R/ca" --passphrase-file "$1" issue user eve \
	    --out "$R/eve" >"$R/out" 2>"$R/err" </dev/null || rc=$?
	[ $rc -eq 3 ] && grep -q "$2" "$R/err" ||
	    give_up "passphrase file $1: exit $rc"
}
cp "$R/passphrase" "$R/open"
chmod 644 "$R/open"
refuse_pass "$R/open" 'read by others'
ln -s "$R/passphrase" "$R/link"
refuse_pass "$R/link" 'symbolic link'
refuse_pass "$R/none" 'does not exist'
(umask 077 && : >"$R/empty" && head -c 5000 /dev/zero >"$R/long")
refuse_pass "$R/empty" 'empty'
refuse_pass "$R/long" 'too big'
chmod 644 "$R/ca/keys/user-1.key"
refused_by 3 'read by others' issue user eve --out "$R/eve"
chmod 600 "$R/ca/keys/user-1.key"
chmod 755 "$R/ca"
refused_by 3 'open to others' issue user eve --out "$R/eve"
chmod 700 "$R/ca"
(umask 077 && echo short >"$R/short")
rc=0
certlogin-ca --dir "$R/ca2" --passphrase-file "$R/short" init --realm \
    $REALM >"$R/out" 2>"$R/err" || rc=$?
[ $rc -eq 1 ] && grep -q 'too short' "$R/err" || give_up "a short passphrase"
(cd "$R" && certlogin-ca --dir ca --passphrase-file passphrase issue user \
    bob --out rel/bob >"$R/out" 2>&1) || give_up "relative paths"
[ -s "$R/rel/bob/bob.key" ] || give_up "no key at a relative path"

echo "at a terminal"
cat >"$R/terminal.py" <<'END'
import os, pty, re, sys, termios, time

def session(steps, argv):
    """Each step: (what the terminal shows, what is typed then)."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp(argv[0], argv)
    seen = b""
    for shown, typed in steps:
        while shown.encode() not in seen:
            seen += os.read(fd, 1000)
        seen = seen.split(shown.encode(), 1)[1]
        assert not termios.tcgetattr(fd)[3] & termios.ECHO, "it echoes"
        os.write(fd, typed.encode())
    rest = b""
    try:
        while True:
            data = os.read(fd, 1000)
            if not data:
                break
            rest += data
    except OSError:
        pass
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    for _, typed in steps:
        assert typed.strip().encode() not in rest, "the secret was shown"
    sys.stderr.write(rest.decode())
    return status

d = sys.argv[1]
ca = ["certlogin-ca", "--dir", d]
init = ca + ["init", "--realm", "test.example"]
new, again = "New passphrase for the CA's keys: ", "The same again: "
assert session([(new, "correct horse\n"), (again, "correct house\n")],
    init) == 1
assert session([(new, "correct horse\n"), (again, "correct horse\n")],
    init) == 0
issue = ca + ["issue", "user", "alice", "--out", d + "/alice"]
ask = "Passphrase of the CA: "
assert session([(ask, "battery staple\n")], issue) == 1
assert session([(ask, "\x03")], issue) == -2
assert not os.path.exists(d + "/alice")
assert session([(ask, "correct horse\n")], issue) == 0
assert os.path.exists(d + "/alice/alice.key")
END
timeout 60 python3 "$R/terminal.py" "$R/typed" 2>"$R/err" ||
    give_up "at a terminal"

done_by check
