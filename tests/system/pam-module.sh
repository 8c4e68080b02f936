#!/bin/bash
# What the PAM module is made of: libpam and our own code, its six entry
# points, nothing of PAM_AUTHTOK; and its manual knows every key.
set -eu

so=$BUILD/inst/lib/security/pam_certlogin.so
[ -e "$so" ] || {
	echo "built without the PAM module"
	exit 77
}
rc=0
complain()
{
	echo "$*"
	rc=1
}

needed=$(readelf -d "$so" | sed -nE 's/.*\(NEEDED\).*\[(.*)\.so.*/\1/p' |
    sort | xargs)
[ "$needed" = "libc libpam" ] || complain "needs: $needed"
loaded=$(ldd "$so" | grep -E 'gnutls|p11-kit|tasn1|nettle|crypto' || :)
[ -z "$loaded" ] || complain "loads: $loaded"

exported=$(nm -D --defined-only "$so" | awk '{ print $3 }' | sort | xargs)
expected="pam_sm_acct_mgmt pam_sm_authenticate pam_sm_chauthtok"
expected+=" pam_sm_close_session pam_sm_open_session pam_sm_setcred"
[ "$exported" = "$expected" ] || complain "exports: $exported"

# a token is read by pam_get_authtok, or as the item that the header names
used=$(nm -D --undefined-only "$so" | awk '{ print $2 }' |
    sed 's/@.*//' | grep -E 'authtok|^fork$|^vfork$|^system$|^popen$' || :)
[ -z "$used" ] || complain "uses: $used"
used=$(grep -nE 'PAM_(OLD)?AUTHTOK' "$SRC"/pam/*.c | grep -v '^[^:]*:[0-9]*: \*' || :)
[ -z "$used" ] || complain "uses: $used"

# the helpers that it starts, with all its rights, have nothing but libc
for p in certlogin-spawn certlogin-p11; do
	needed=$(readelf -d "$BUILD/inst/libexec/certlogin/$p" |
	    sed -nE 's/.*\(NEEDED\).*\[(.*)\.so.*/\1/p' | xargs)
	[ "$needed" = libc ] || complain "$p needs: $needed"
done
# control: the look-up finds what is there
ldd "$BUILD/inst/libexec/certlogin/certlogin-judge" | grep -q gnutls ||
    complain "certlogin-judge without GnuTLS: the look-up is broken"

keys=$(sed -nE 's/.*(STR|TIME)\("([a-z0-9-]+)".*/\2/p
    s/.*\.name = "([a-z0-9-]+)", \.type.*/\1/p' "$SRC/src/door/doorconf.c" |
    sort -u)
documented=$(sed -nE 's/^\.It Cm ([a-z0-9-]+)$/\1/p' "$SRC/man/pam_certlogin.conf.5" |
    sort -u)
[ -n "$keys" ] && [ "$keys" = "$documented" ] || {
	complain "keys (<) and pam_certlogin.conf(5) (>) differ:"
	diff <(echo "$keys") <(echo "$documented") || :
}
exit $rc
