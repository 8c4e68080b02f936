#!/usr/bin/env python3
"""Run commands in turns and print the median of each one's time.

    clock.py [--runs N] [--stdin FILE] [--daemon PID]… -- COMMAND… [\\; COMMAND…]…

A line for each command: seconds on the clock, and CPU-seconds of the command
with those that the daemons and their ended children used meanwhile.  One run
of each is not counted.  Exit 1 if a command fails.
"""
import argparse
import os
import statistics
import subprocess
import sys
import time

TICK = os.sysconf("SC_CLK_TCK")
PATIENCE = 10


def daemon_cpu(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
        total += sum(int(n) for n in fields[11:15])
    return total / TICK


def children(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            total += len(f.read().split())
    return total


def settle(pids, wanted):
    """Wait until the daemons have reaped a run's children and, where they
    keep spares, made new ones."""
    end = time.monotonic() + PATIENCE
    while children(pids) != wanted:
        if time.monotonic() > end:
            sys.exit("clock: a daemon keeps children of a login that is over")
        time.sleep(0.01)


def one(command, args):
    with open(args.stdin, "rb") as stdin:
        idle = children(args.daemon)
        before = daemon_cpu(args.daemon)
        start = time.perf_counter()
        p = subprocess.Popen(command, stdin=stdin,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        # what it may say on stderr fits into the pipe
        _, status, used = os.wait4(p.pid, 0)
        wall = time.perf_counter() - start
        p.returncode = os.waitstatus_to_exitcode(status)
        said = p.stderr.read()
        p.stderr.close()
    if p.returncode != 0:
        sys.exit(f"clock: exit {p.returncode}: {' '.join(command)}\n"
            + said.decode(errors="replace"))
    cpu = used.ru_utime + used.ru_stime
    settle(args.daemon, idle)
    return wall, cpu + daemon_cpu(args.daemon) - before


def split(words):
    commands = [[]]
    for word in words:
        if word == ";":
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--runs", type=int, default=20)
    p.add_argument("--stdin", default="/dev/null")
    p.add_argument("--daemon", type=int, action="append", default=[])
    p.add_argument("command", nargs="+")
    args = p.parse_args()
    commands = split(args.command)
    results = [[] for _ in commands]
    for run in range(args.runs + 1):
        for i, command in enumerate(commands):
            seen = one(command, args)
            if run > 0:
                results[i].append(seen)
    for seen in results:
        print(f"{statistics.median(s[0] for s in seen):.5f}",
            f"{statistics.median(s[1] for s in seen):.3f}")


main()
