#!/bin/bash
# Without logind and without root, a virtual console as the controlling
# terminal is what makes a caller local: a real one, beside a terminal of the
# network's kind and none at all.
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

# the last one: nobody's console
CONSOLE=/dev/tty63

# terminal_of COMMAND…: major:minor of the controlling terminal, as the kernel
# numbers it (proc(5), tty_nr)
terminal_of()
{
	# shellcheck disable=SC2016	# the inner shell expands it
	"$@" sh -c 'read -r _ _ _ _ _ _ tty _ </proc/self/stat
	    echo $((tty >> 8)):$((tty & 255))'
}

# at_console COMMAND…: in a session of its own on that
at_console()
{
	setsid --ctty --wait "$@" <>$CONSOLE
}

# at_pty COMMAND…: on a pseudo-terminal, as over the network
at_pty()
{
	script -qec "$(printf '%q ' "$@")" /dev/null
}

# in_no_session COMMAND…
in_no_session()
{
	setsid --wait "$@"
}

# ask WAY: alice without root, at such a terminal
ask()
{
	log_mark
	rc=0
	echo 1234 >"$R/pin"
	chmod 0644 "$R/pin"
	: >"$R/err"
	chmod 0666 "$R/err"
	# a terminal that nobody has open is nobody's terminal
	"$1" setpriv --reuid=42001 --regid=42001 --clear-groups sh -c \
	    "exec 8<&0 pamtester try alice authenticate <$R/pin >$R/err 2>&1" ||
	    rc=$?
}

pam_make
need_program setsid script
mknod $CONSOLE c 4 63
(: <>$CONSOLE) 2>/dev/null || {
	echo "this kernel has no virtual consoles"
	exit 77
}
card_of alice
chown -R 42001:42001 "$R/tokens"
[ ! -e /run/systemd/seats ] || give_up "logind runs"

echo "a virtual console"
[ "$(terminal_of at_console)" = 4:63 ] ||
    give_up "the terminal is $(terminal_of at_console)"
ask at_console
[ $rc -eq 0 ] || give_up "not let in at a console"
wait_log 'authenticated: account=alice' || give_up "not in the log"

echo "a pseudo-terminal"
ask at_pty
[ $rc -ne 0 ] || give_up "let in at a pseudo-terminal"
wait_log 'not asked: the caller \(uid 42001\) has terminal 136:' ||
    give_up "not in the log"
not_asked

echo "none"
ask in_no_session
[ $rc -ne 0 ] || give_up "let in without a terminal"
wait_log 'has terminal 0:0; expected a console of this machine' ||
    give_up "not in the log"
not_asked

echo "with root it does not matter"
chown -R $P11_USER:$P11_USER "$R/tokens"
TRY=(authenticate)
lets_in alice try 1234
