#!/bin/bash
# The map is swapped under 16 concurrent logins: each verdict is that of a map
# that was in force between the login's start and its end, and certlogind does
# not grow.  SWAPS=1000 in the environment is the long run.
# limit: 600
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

SWAPS=${SWAPS:-200}
WARM=30			# swaps until nothing in certlogind is new any more
LOGINS=16
pids=()

# logins WHO NUMBER: one behind the other until the end
logins()
{
	local who=$1 base=$R/client.$2 start rc

	while [ ! -e "$R/end" ]; do
		start=$EPOCHREALTIME
		rc=0
		certlogin -p "$PORT" -F /dev/null -o batchmode=yes \
		    -i "$R/$who/$who.crt" -o "ca=$R/$who/ca.crt" \
		    "$who@localhost" true </dev/null >"$base.out" \
		    2>"$base.err" || rc=$?
		echo "$who $start $EPOCHREALTIME $rc out:$(cat "$base.out")" \
		    "err:$(tr '\n' ' ' <"$base.err")" >>"$base.results"
	done
}

# size: certlogind's descriptors, watched folders, kB of memory
size()
{
	local fds kb watches

	fds=("/proc/$DAEMON/fd"/*)
	watches=$(cat "/proc/$DAEMON/fdinfo"/* 2>/dev/null | grep -c '^inotify wd')
	kb=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$DAEMON/status")
	echo "${#fds[@]} $watches $kb"
}

# as_small_as FDS WATCHES KB: as before, but for spare helpers that come and go
# and the last 4096 refusals, which are kept for certloginctl why
as_small_as()
{
	local fds watches kb

	read -r fds watches kb <<<"$(size)"
	[ "$fds" -le $(($1 + 16)) ] && [ "$watches" -le "$2" ] &&
	    [ "$kb" -le $(($3 + 4096)) ]
}

# Map N has in line N who is refused, and a command that says N for who is let
# in; its number of rules tells which one a line of the log is about.
cat >"$R/swap.py" <<'END'
import os, random, re, sys, time
root, realm, first, last = sys.argv[1:5]
first, last = int(first), int(last)
who = "user user uri=spiffe://" + realm + "/user/"

def put(n):
    out, into = ("bob", "alice") if n % 2 == 0 else ("alice", "bob")
    lines = ["#"] * (n - 1) + ["deny " + who + out,
        'allow %s%s as %s command="echo %d"' % (who, into, into, n)]
    lines += ["allow %sx%d as alice" % (who, i) for i in range(n)]
    with open(root + "/map.new", "w") as f:
        f.write("\n".join(lines) + "\n")
    os.rename(root + "/map.new", root + "/etc/identity.map")

log = open(root + "/log", errors="replace")
log.seek(0, os.SEEK_END)
out = open(root + "/swaps", "a")
rest = ""
now_in_force = first - 1

def read_log():
    global rest, now_in_force
    lines = (rest + log.read()).split("\n")
    rest = lines.pop()
    for line in lines:
        m = re.search(r"policy loaded: (\d+) rules", line)
        if m:
            now_in_force = int(m.group(1)) - 2
            out.write("in-force %d %.6f\n" % (now_in_force, time.time()))

def pause(seconds):
    until = time.time() + seconds
    while time.time() < until:
        read_log()
        time.sleep(0.004)

def wait_for(n):
    until = time.time() + 20
    while now_in_force != n:
        if time.time() > until:
            sys.exit("map %d is in force, not %d" % (now_in_force, n))
        pause(0.01)

# often several become one load, and every fifth counts before the next comes
for n in range(first, last + 1):
    out.write("renamed %d %.6f\n" % (n, time.time()))
    put(n)
    pause(random.uniform(0, 0.12))
    if n % 5 == 0:
        wait_for(n)
END

swap()
{
	python3 "$R/swap.py" "$R" "$REALM" "$1" "$2" || give_up "swapping"
}

cat >"$R/verdicts.py" <<'END'
import collections, glob, re, sys
root = sys.argv[1]
renamed, in_force = {}, {}
for line in open(root + "/swaps"):
    what, n, when = line.split()
    (renamed if what == "renamed" else in_force)[int(n)] = float(when)
# when another one was in force at the latest
over, later = {}, float("inf")
for n in sorted(renamed, reverse=True):
    over[n] = later
    later = in_force.get(n, later)
refusals = {}
for line in open(root + "/log", errors="replace"):
    m = re.search(r"reference=(\d+): .*rule of line (\d+)", line)
    if m:
        refusals[m.group(1)] = int(m.group(2))

def possible(n, start, end):
    return renamed[n] <= end and over[n] >= start

def admits(n, who):
    return who == ("bob" if n % 2 else "alice")

# The map and whether it let them in.
def verdict(who, start, end, rc, out, err):
    if out:
        return int(out), True
    m = re.search(r"\(reference (\d+)", err)
    if m:
        return refusals.get(m.group(1)), False
    # logged in, and ended under the next map before it said a word
    if "localhost ended the connection" in err and \
            re.search("barred here|may do here has changed", err):
        for n in renamed:
            if possible(n, start, end) and admits(n, who):
                return n, True
    return None, False

seen, maps, wrong = collections.Counter(), set(), 0
for path in glob.glob(root + "/client.*.results"):
    for line in open(path):
        who, start, end, rc, rest = line.rstrip("\n").split(" ", 4)
        out, err = rest[4:].split(" err:", 1)
        start, end = float(start), float(end)
        n, admitted = verdict(who, start, end, rc, out, err)
        if n not in renamed or not possible(n, start, end) or \
                admitted != admits(n, who):
            wrong += 1
            print("wrong:", n, renamed.get(n), over.get(n), line)
            continue
        maps.add(n)
        seen[who, admitted] += 1
for who, admitted in sorted(seen):
    print(who, "admitted:" if admitted else "refused:", seen[who, admitted])
print("%d maps, %d of them in force, %d judged by" % (len(renamed),
    len(in_force), len(maps)))
if wrong or len(seen) != 4 or len(maps) < 10:
    sys.exit("%d wrong" % wrong)
END

AT_END=stop_logins
stop_logins()
{
	touch "$R/end"
	[ ${#pids[@]} -eq 0 ] || wait "${pids[@]}"
}

realm_make
need_program python3
daemon_start
swap 1 $WARM
client alice alice@localhost true </dev/null
[ "$rc" -eq 0 ] || give_up "alice should get in (exit $rc)"
before=$(size)
for ((i = 0; i < LOGINS; i++)); do
	who=alice
	[ $((i % 2)) -eq 0 ] || who=bob
	logins $who $i &
	pids+=($!)
done
start=$SECONDS
swap $((WARM + 1)) $((WARM + SWAPS))
stop_logins
pids=()
echo "$SWAPS swaps in $((SECONDS - start)) s"
python3 "$R/verdicts.py" "$R" || give_up "a wrong verdict"
echo "descriptors, watched folders, kB: $before; then $(size)"
read -ra before <<<"$before"
wait_for 20 as_small_as "${before[@]}" || give_up "certlogind grows: $(size)"
