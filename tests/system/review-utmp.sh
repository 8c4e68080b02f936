#!/bin/bash
# Anybody may read utmp and wtmp, and so hold a lock on them.  That delays no
# login on a terminal and no end of one.
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/review.sh
. "$SRC/tests/lib/review.sh"

need_program script

entries()
{
	[ "$(who /run/utmp | grep -c "^$1 ")" -eq "$2" ]
}

release()
{
	[ -z "$LOCKER" ] || kill "$LOCKER" 2>/dev/null || :
	LOCKER=''
	review_end
}

realm_make
review_make
LOCKER='' AT_END=release
chmod 0644 /run/utmp /var/log/wtmp
daemon_start

echo "the control"
on_terminal b bob bob
wait_for 5 entries bob 1 || give_up "utmp: $(who /run/utmp)"

mkfifo "$R/locked"
python3 -c '
import fcntl, os, pwd, time
os.setgroups([])
os.setresuid(*[pwd.getpwnam("alice").pw_uid] * 3)
files = [open(path) for path in ("/run/utmp", "/var/log/wtmp")]
for f in files:
    fcntl.lockf(f, fcntl.LOCK_SH)
print("locked", flush=True)
time.sleep(1000)' >"$R/locked" &
LOCKER=$!
read -r _ <"$R/locked"

echo "a login"
BEGAN=$(clock)
on_terminal a alice alice
ms=$(($(clock) - BEGAN))
echo "after $ms ms"
[ "$ms" -le 5000 ] || give_up "the login took $ms ms"

echo "an end"
change
ca revoke --id user/alice
ca export --out "$R/etc"
ended a 'the certificate is revoked'
change
control end --account bob
ended b 'ended by an administrator'

echo "what waited is written when there is no lock any more"
kill "$LOCKER"
LOCKER=''
wait_for 30 entries bob 0 || give_up "utmp: $(who /run/utmp)"
on_terminal m meter ingest
wait_for 5 entries ingest 1 || give_up "utmp: $(who /run/utmp)"
