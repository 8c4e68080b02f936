#!/bin/bash
# What the helpers of the PAM module are while somebody is asked for a PIN:
# their uids, folder, filter, environment, descriptors, locked memory; with
# root and without.
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

# begin NAME [COMMAND…]: a caller that waits for its answers, asked already
begin()
{
	local service=$1

	shift
	rm -f "$R/answers" "$R/err"
	mkfifo "$R/answers"
	"$@" pamtester "$service" alice authenticate <"$R/answers" \
	    >"$R/err" 2>&1 &
	ASKER=$!
	exec 9>"$R/answers"
	wait_for 20 grep -qE 'PIN of|Passphrase of' "$R/err" ||
	    give_up "not asked: $(cat "$R/err")"
}

# finish ANSWER
finish()
{
	echo "$1" >&9
	exec 9>&-
	wait $ASKER || give_up "not let in: $(cat "$R/err")"
}

# of NAME: the living process that is called so
of()
{
	local dir

	for dir in /proc/[0-9]*; do
		[ "$(cat "$dir/comm" 2>/dev/null)" = "$1" ] || continue
		! grep -q '^State:.Z' "$dir/status" || continue
		echo "$dir"
	done
}

# status NAME FIELD
status()
{
	awk -v f="$2:" '$1 == f { print $2 }' "$(of "$1")/status"
}

# is NAME FIELD VALUE
is()
{
	local v

	v=$(status "$1" "$2")
	[ "$v" = "$3" ] || give_up "$1: $2 is '$v', not '$3'"
}

# comm holds 15 characters
P11=certlogin-p11 JUDGE=certlogin-judge KEYFILE=certlogin-keyfi

pam_make
card_of alice
begin try env SECRET=in-the-environment

echo "$JUDGE"
is $JUDGE Uid 62002
is $JUDGE Groups ''
is $JUDGE CapEff 0000000000000000
is $JUDGE CapPrm 0000000000000000
if ! grep -q '^#define WITH_SANITIZERS' "$BUILD/config.h"; then
	is $JUDGE Seccomp 2
fi
is $JUDGE NoNewPrivs 1
[ -z "$(ls -A "$(of $JUDGE)/root/")" ] || give_up "its root is not empty"
echo "$P11"
is $P11 Uid $P11_USER
is $P11 CapEff 0000000000000000
is $P11 NoNewPrivs 1
is $P11 Seccomp 2
[ "$(status $P11 VmLck)" -ge 64 ] || give_up "its memory is not locked"
env=$(tr '\0' '\n' <"$(of $P11)/environ")
[ -z "$env" ] || give_up "started with $env"
for p in $JUDGE $P11; do
	grep -qE '^Max core file size +0 +0' "$(of "$p")/limits" ||
	    give_up "$p may dump core"
	[ "$(stat -c %U "$(of "$p")/environ")" = root ] ||
	    give_up "$p is dumpable"
done
# a channel, and null at 0 to 2; the driver may have a file of its token open
n=$(find "$(of $JUDGE)/fd" -lname 'socket:*' | wc -l)
[ "$n" = 1 ] || give_up "the judge has $n sockets"
[ "$(find "$(of $JUDGE)/fd" -type l | wc -l)" = 4 ] ||
    give_up "the judge has $(ls -l "$(of $JUDGE)/fd")"
[ "$(find "$(of $P11)/fd" -lname 'socket:*' | wc -l)" = 1 ] ||
    give_up "p11 has more than its channel"
[ -z "$(of certlogin-spawn)" ] || give_up "certlogin-spawn stayed"
finish 1234
[ -z "$(of $JUDGE)$(of $P11)" ] || give_up "a helper stayed"

echo "$KEYFILE"
service file source=file file=%h/id.pem remote=allow
file_of alice alice
begin file
is $KEYFILE Uid 42001
is $KEYFILE Gid 42001
is $KEYFILE Groups ''
is $KEYFILE Seccomp 2
is $KEYFILE NoNewPrivs 1
# passphrase and key come to lie in its heap
[ "$(status $KEYFILE VmLck)" -ge 512 ] || give_up "its memory is not locked"
[ -z "$(tr -d '\0' <"$(of $KEYFILE)/environ")" ] || give_up "environment"
finish "$PASS"

echo "without root: the caller's ids, the same filters"
begin file setpriv --reuid=42001 --regid=42001 --clear-groups
for p in $JUDGE $KEYFILE; do
	is "$p" Uid 42001
	is "$p" Seccomp 2
	is "$p" NoNewPrivs 1
	is "$p" CapEff 0000000000000000
done
finish "$PASS"

echo "a limit on locked memory keeps nobody out"
begin file prlimit --memlock=0:0 setpriv --reuid=42001 --regid=42001 \
    --clear-groups
is $KEYFILE VmLck 0
finish "$PASS"

# in_memory PID TEXT: how often a process has it where it can write
in_memory()
{
	python3 - "$1" "$2" <<-'END'
	import re, sys
	pid, text, n = sys.argv[1], sys.argv[2].encode(), 0
	with open(f"/proc/{pid}/maps") as maps, \
	    open(f"/proc/{pid}/mem", "rb", 0) as mem:
	    for line in maps:
	        m = re.match("([0-9a-f]+)-([0-9a-f]+) rw", line)
	        if m:
	            start, end = (int(x, 16) for x in m.groups())
	            mem.seek(start)
	            n += mem.read(end - start).count(text)
	print(n)
	END
}

echo "the answer is gone from the caller while a driver that hangs has it"
service liar "module=$BUILD/tests/tools/liarp11.so" \
    "module-env=LIAR_BEHIND=$SOFTHSM" module-env=LIAR=hang-login \
    "module-env=LIAR_KEEP=$R/sig" timeout=5
arrived()
{
	[ "$(in_memory "$(basename "$(of $P11)")" answer-0815)" != 0 ]
}
begin liar
echo answer-0815 >&9
wait_for 4 arrived || give_up "p11 does not have it"
[ "$(in_memory "$ASKER" LIAR=hang-login)" != 0 ] || give_up "cannot look"
[ "$(in_memory "$ASKER" answer-0815)" = 0 ] || give_up "the caller has it"
exec 9>&-
! wait $ASKER || give_up "let in by a driver that hangs"

echo "who waits is killed, and so are they"
begin file
kill -KILL $ASKER
wait $ASKER 2>/dev/null || :
exec 9>&-
all_gone()
{
	[ -z "$(of $KEYFILE)$(of $JUDGE)" ]
}
wait_for 10 all_gone ||
    give_up "a helper stayed"
