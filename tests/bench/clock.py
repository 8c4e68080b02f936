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
SETTLE = 0.05    # seconds without change until a daemon has reaped all
PATIENCE = 3


def daemon_cpu(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
        total += sum(int(n) for n in fields[11:15])
    return total / TICK


def settled_cpu(pids, before):
    """What the daemons used once they have reaped this run's children."""
    end = time.monotonic() + PATIENCE
    last = daemon_cpu(pids)
    while time.monotonic() < end:
        time.sleep(SETTLE)
        now = daemon_cpu(pids)
        if now == last and now > before:
            break
        last = now
    return last - before


def one(command, args):
    with open(args.stdin, "rb") as stdin:
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
    if args.daemon:
        cpu += settled_cpu(args.daemon, before)
    return wall, cpu


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
