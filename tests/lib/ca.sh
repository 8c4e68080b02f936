# shellcheck shell=bash
# A certlogin-ca for system tests; everything is below $R.  Needs nothing else
# of what is installed.

# in the memory file system of tests/lib/isolate: a CA waits for its disk
R=$TMPDIR/.isolate/ca
[ -d "$TMPDIR/.isolate" ] || {
	echo "run this by tests/run"
	exit 77
}
mkdir "$R"
# shellcheck disable=SC2034	# for the tests
REALM=test.example
PATH=$BUILD/inst/sbin:$PATH
rc=0

give_up()
{
	echo "FAILED: $*"
	cat "$R/out" "$R/err" 2>/dev/null
	exit 1
}

command -v certlogin-ca >/dev/null || {
	echo "certlogin-ca is not there"
	exit 77
}
(umask 077 && echo a-passphrase-of-the-tests >"$R/passphrase")

# ca ARGUMENT…: output in $R/out and $R/err, exit status in $rc
ca()
{
	rc=0
	certlogin-ca --dir "$R/ca" --passphrase-file "$R/passphrase" "$@" \
	    >"$R/out" 2>"$R/err" </dev/null || rc=$?
}

# done_by ARGUMENT…: exit 0
done_by()
{
	ca "$@"
	[ "$rc" -eq 0 ] || give_up "certlogin-ca $* (exit $rc)"
}

# refused_by STATUS REGEX ARGUMENT…: this exit status, and the reason
refused_by()
{
	local status=$1 regex=$2

	shift 2
	ca "$@"
	[ "$rc" -eq "$status" ] ||
	    give_up "certlogin-ca $*: exit $rc, not $status"
	cat "$R/out" "$R/err" | grep -qE -- "$regex" ||
	    give_up "certlogin-ca $* does not say '$regex'"
}

# serial_of CERT: in lower-case hex
serial_of()
{
	openssl x509 -in "$1" -noout -serial | cut -d= -f2 | tr A-F a-f
}

# belong KEY CERT: do they
belong()
{
	[ "$(openssl pkey -in "$1" -pubout 2>/dev/null)" = \
	    "$(openssl x509 -in "$2" -noout -pubkey)" ]
}

# text CERT: what it says, in words
text()
{
	openssl x509 -in "$1" -noout -text
}
