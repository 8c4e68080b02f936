#!/bin/bash
# Whoever starts certlogind with a watchdog (WATCHDOG_USEC, WATCHDOG_PID) hears
# from it twice in that time, but not from one that hangs; one who asks for none,
# or asks another process, hears nothing, and one who does not listen holds
# nothing up; one who does not for a while hears the next soon afterwards.
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

cat >"$R/systemd.py" <<'END'
"""Start argv[3:] as systemd would, with a socket for notifications, each of
which becomes a line `SECONDS TEXT` of the file argv[1]; `deaf`: none is read
behind the first; `full`: behind the first sign of life, so much lies there that
the next is lost, and READ is said once that was read. WATCHDOG_PID is `own` in the environment: that of the
process."""
import os, socket, sys, time


def fill_up():
    """Until a sign of life has been lost, two being 4 s apart."""
    other = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    other.setblocking(False)
    n = 0
    try:
        while True:
            other.sendto(b"X=1", os.environ["NOTIFY_SOCKET"])
            n += 1
    except BlockingIOError:
        pass
    time.sleep(5)
    for _ in range(n):
        assert say.recv(4096) == b"X=1"


say = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
say.bind(os.environ["NOTIFY_SOCKET"])
pid = os.fork()
if pid == 0:
    if os.environ.get("WATCHDOG_PID") == "own":
        os.environ["WATCHDOG_PID"] = str(os.getpid())
    os.execvp(sys.argv[3], sys.argv[3:])
with open(sys.argv[1], "w", buffering=1) as out:
    print("pid", pid, file=out)
    while True:
        text = say.recv(4096).decode()
        print(time.monotonic(), text, file=out)
        if "STOPPING=1" in text or sys.argv[2] == "deaf":
            break
        if "WATCHDOG=1" in text and sys.argv[2] == "full":
            sys.argv[2] = "hears"
            fill_up()
            print(time.monotonic(), "READ", file=out)
os.waitpid(pid, 0)
END

# starts USEC PID [deaf]: certlogind, with these in its environment; - is unset
starts()
{
	local env=(NOTIFY_SOCKET="$R/notify")

	[ "$1" = - ] || env+=(WATCHDOG_USEC="$1")
	[ "$2" = - ] || env+=(WATCHDOG_PID="$2")
	rm -f "$R/notify" "$R/said"
	log_mark
	env "${env[@]}" python3 "$R/systemd.py" "$R/said" "${3:-hears}" \
	    certlogind -f "$R/etc/certlogind.conf" -D -e >>"$R/log" 2>&1 &
	parent=$!
	wait_for 20 grep -qs ' READY=1$' "$R/said" || give_up "no READY=1"
	DAEMON=$(sed -n 's/^pid //p' "$R/said")
}

# ends: and what it had to say was said before
ends()
{
	daemon_stop || give_up "it did not stop"
	wait $parent || give_up "the starter ended with $?"
}

signs()
{
	grep -c ' WATCHDOG=1$' "$R/said" || :
}

# more N: that many more signs of life come soon
more()
{
	local n=$(($(signs) + $1))

	wait_for 10 eval "[ \$(signs) -ge $n ]" || give_up "no sign of life"
}

# quiet SECONDS: none comes for so long
quiet()
{
	local n

	n=$(signs)
	! wait_for "$1" eval "[ \$(signs) -gt $n ]" ||
	    give_up "there was a sign of life"
}

realm_make

echo "twice in its time"
starts 2000000 own
more 6
python3 - "$R/said" <<'END' || give_up "too late: $(cat "$R/said")"
import sys
times = [float(line.split()[0]) for line in open(sys.argv[1])
         if line.split()[1] == "WATCHDOG=1"]
gaps = [b - a for a, b in zip(times, times[1:])]
print("seconds between signs:", *("%.3f" % g for g in gaps))
assert all(g < 1.8 for g in gaps), "late"
assert sum(gaps) / len(gaps) > 0.8, "more often than asked for"
END
admitted alice alice

echo "one that hangs says nothing, and one that goes on does again"
kill -STOP "$DAEMON"
quiet 3
kill -CONT "$DAEMON"
more 2
ends

echo "no process of its own is named: that is certlogind"
starts 400000 -
more 3
ends

for asks in '- own' '400000 1' '400000 x' '0 own' '-1 own' '400000x own' \
    "99999999999999999999999 own"; do
	echo "not asked: $asks"
	# shellcheck disable=SC2086	# words
	starts $asks
	quiet 2
	ends
done

echo "one was lost: the next comes soon, not when the second is due"
starts 8000000 own full
wait_for 20 grep -q ' READ$' "$R/said" || give_up "not full"
wait_for 10 eval "tail -n 1 '$R/said' | grep -q ' WATCHDOG=1\$'" ||
    give_up "no sign of life"
awk '$2 == "READ" {read = $1}
    $2 == "WATCHDOG=1" && read && !next_one {next_one = $1}
    END {print next_one - read; exit !(next_one - read < 2.5)}' "$R/said" ||
    give_up "too late: $(cat "$R/said")"
ends

echo "nobody listens: logins go on"
starts 2000 own deaf
seconds=$((SECONDS + 3))
wait_for 10 eval "[ \$SECONDS -gt $seconds ]"
admitted alice alice
ends
