#!/usr/bin/env python3
"""Many live sessions, a change, and who of them ends when.

    many.py PER_IDENTITY ENDED CHANGE CLIENT IDENTITY...

Starts PER_IDENTITY sessions for each IDENTITY by `CLIENT IDENTITY`, whose
command must print a line first, runs the shell command CHANGE when all are up,
and waits until every session of the identity ENDED has ended.  Prints how long
that took, in milliseconds from the begin of CHANGE to the end of the client,
and fails if one was not told why, or if any other session ended.
"""
import selectors
import subprocess
import sys
import time

LIMIT = 60		# seconds
AFTER = 1		# for others to end as well, which they must not


class Session:
    def __init__(self, client, identity):
        self.identity = identity
        self.said = b""
        self.ended = None
        self.process = subprocess.Popen(
            client.split() + [identity], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def read(self):
        """False at its end."""
        data = self.process.stdout.read1(4096)
        self.said += data
        if not data:
            self.ended = time.monotonic()
            self.process.wait()
        return bool(data)


def fail(text):
    print("FAILED: " + text)
    sys.exit(1)


def run(sessions, until, limit):
    """Listen to all, until this is so or for so long."""
    with selectors.DefaultSelector() as s:
        for x in sessions:
            if x.ended is None:
                s.register(x.process.stdout, selectors.EVENT_READ, x)
        end = time.monotonic() + limit
        while not until() and time.monotonic() < end:
            for key, _ in s.select(0.05):
                if not key.data.read():
                    s.unregister(key.fileobj)
    return until()


def start(per_identity, client, identities):
    sessions = []
    for _ in range(per_identity):
        for identity in identities:
            sessions.append(Session(client, identity))
        # a few at a time, as people come
        if not run(sessions, lambda: all(x.said for x in sessions), LIMIT):
            fail("not all sessions are there")
    if any(x.ended for x in sessions):
        fail("ended at once: %r" % sessions[0].said)
    return sessions


def report(times):
    times.sort()
    p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
    print("%d ended: first %d ms, median %d ms, p99 %d ms, last %d ms" % (
        len(times), times[0], times[len(times) // 2], p99, times[-1]))
    return p99


def main():
    per_identity, revoked, change, client = sys.argv[1:5]
    sessions = start(int(per_identity), client, sys.argv[5:])
    try:
        mine = [x for x in sessions if x.identity == revoked]
        others = [x for x in sessions if x.identity != revoked]
        print("%d sessions of %d identities" % (
            len(sessions), len(sys.argv[5:])), flush=True)
        began = time.monotonic()
        subprocess.run(change, shell=True, check=True)
        if not run(sessions, lambda: all(x.ended for x in mine), LIMIT):
            fail("not all have ended")
        run(sessions, lambda: False, AFTER)
        if any(x.ended for x in others):
            fail("others have ended")
        if not all(b"ended the connection: " in x.said for x in mine):
            fail("not all were told why")
        if report([(x.ended - began) * 1000 for x in mine]) > 2000:
            fail("p99 is over 2 s")
    finally:
        for x in sessions:
            x.process.kill()
            x.process.wait()


if __name__ == "__main__":
    main()
