#!/bin/bash
# certlogin-ca killed at every step: nothing that was issued is lost, no
# serial comes twice, CRL numbers only rise, the next command puts things
# right, and at no step could anybody else have read a key.
# limit: 300
set -eu -o pipefail
# shellcheck source=tests/lib/ca.sh
. "$SRC/tests/lib/ca.sh"

# everybody could read what does not take care of itself
umask 000
KILLAT=$BUILD/tests/tools/killat
[ -x "$KILLAT" ] || {
	echo "tests/tools/killat was not built"
	exit 77
}
rc=0
"$KILLAT" 1 true >/dev/null 2>&1 || rc=$?
[ $rc -ne 125 ] || {
	echo "needs the right to trace processes"
	exit 77
}

# killed N ARGUMENT…: killed before its Nth change of a file; 1 if it ended
killed()
{
	local n=$1

	shift
	rc=0
	"$KILLAT" "$n" certlogin-ca --dir "$R/ca" --passphrase-file \
	    "$R/passphrase" "$@" >"$R/out" 2>"$R/err" </dev/null || rc=$?
	[ $rc -eq 137 ] || [ $rc -eq 0 ] || give_up "$* ended with $rc"
	[ $rc -eq 137 ]
}

# Nothing with a key in it is open to others, wherever it stands now.
closed()
{
	local open

	open=$(find "$R/ca" "$R/alice" \( -path "$R/ca/*" -o -name '*.key*' \
	    -o -path "$R/ca" \) -perm /077 2>/dev/null || :)
	[ -z "$open" ] || give_up "killed at $n: open to others: $open"
}

# without the passphrase, so that it is quick
quick_check()
{
	rc=0
	setsid -w certlogin-ca --dir "$R/ca" check >"$R/out" 2>"$R/err" \
	    </dev/null || rc=$?
}

# A look changes nothing; the next command heals; then all is well.
heals()
{
	if [ $((n % 4)) -eq 0 ]; then
		quick_check
		[ $rc -eq 0 ] || grep -q 'left unfinished' "$R/out" ||
		    give_up "killed at $n: check"
	fi
	done_by list --json
	cp "$R/out" "$R/list"
	quick_check
	[ $rc -eq 0 ] || give_up "killed at $n: not healed"
	! find "$R/ca/keys" "$R/alice" -name '.*' -type f 2>/dev/null |
	    grep . || give_up "killed at $n: left behind"
}

# Whoever holds a certificate holds its key, and the CA knows of it.
held()
{
	local serial

	[ -e "$R/alice/alice.crt" ] || return 0
	serial=$(serial_of "$R/alice/alice.crt")
	[ "$serial" != "$last" ] || return 0
	belong "$R/alice/alice.key" "$R/alice/alice.crt" ||
	    give_up "killed at $n: the key is not the certificate's"
	grep -q "\"serial\":\"$serial\".*\"issued\"" "$R/list" ||
	    give_up "killed at $n: $serial is not in the list"
	last=$serial
}

echo init
n=30
while rm -rf "$R/ca"; killed $n init --realm $REALM; do
	closed
	# as if nothing had been, or it had been done
	ca init --realm $REALM
	[ $rc -eq 0 ] || { [ $rc -eq 1 ] && grep -q already "$R/err"; } ||
	    give_up "init after init killed at $n: exit $rc"
	done_by check
	n=$((n + 37))
done
[ $n -gt 100 ] || give_up "init was killed only up to step $n"
quick_check

echo issue
n=25 last=''
while killed $n issue user alice --out "$R/alice"; do
	closed
	heals
	held
	n=$((n + 1))
done
[ $n -gt 60 ] || give_up "issue was killed only up to step $n"
heals
held
[ -n "$last" ] || give_up "nothing was ever issued"
[ "$(grep -c serial "$R/list")" -gt 1 ] ||
    give_up "no certificate survived a kill behind its commit"
[ "$(grep -o '"serial":"[0-9a-f]*"' "$R/list" | sort | uniq -d | wc -l)" \
    -eq 0 ] || give_up "a serial twice"

echo "revoke and crl"
number=0
for words in 'revoke --id user/alice' "crl --out $R/etc"; do
	n=28
	# shellcheck disable=SC2086
	while killed $n $words; do
		closed
		heals
		done_by export --out "$R/etc"
		hex=$(openssl crl -in "$R/etc/crl/user.crl" -noout \
		    -crlnumber | cut -d= -f2)
		[ $((hex)) -ge $number ] || give_up "the CRL's number fell"
		number=$((hex))
		[ "$words" = "crl --out $R/etc" ] ||
		    done_by issue user alice --out "$R/alice"
		n=$((n + 9))
	done
	[ $n -gt 40 ] || give_up "$words was killed only up to step $n"
done
done_by list --id user/alice --json
! grep -q '"issued"' "$R/out" || give_up "revoke left a live certificate"
openssl crl -in "$R/etc/crl/user.crl" -noout -text |
    grep -qi "$last" || give_up "the revoked one is not on the CRL"
done_by check
