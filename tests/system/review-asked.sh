#!/bin/bash
# What a live session may ask of certlogind: whether it is there, once it is
# registered; and one that asks without end is answered now and then, and holds
# nobody up.
# also-in: sanitizers
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

cat >"$R/asks.py" <<'END'
"""A stand-in for a live session: asks.py LIB RUN_DIR HOW

early: it asks before it is registered, and its channel is closed
body: its question has one, and the same
honest: each second, and each question has its answer
flood: as fast as it can for 4 s; says `flooding`, and ends with how many
questions were taken and answered
"""
import os
import select
import socket
import sys
import time

sys.path.insert(0, sys.argv[1])
import sessions

ASK = bytes([sessions.VERSION, 85])
REGISTERED = bytes([sessions.VERSION, sessions.REGISTERED])


def said(s, seconds):
    """The next message, or None; b"" is the end."""
    if not select.select([s], [], [], seconds)[0]:
        return None
    try:
        return s.recv(65536)
    except ConnectionResetError:
        return b""


def come(run_dir):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(run_dir + "/register")
    s.send(sessions.hello(1))
    assert said(s, 10)[:2] == b"\0\2", "no HELLO_WELCOME"
    return s


def register(s):
    proof = os.memfd_create("proof")
    socket.send_fds(s, [sessions.register(1)], [proof])
    assert said(s, 10) == REGISTERED, "not registered"


def flood(s):
    """Questions sent, questions answered."""
    sent = answered = 0
    s.setblocking(False)
    end = time.monotonic() + 4
    while time.monotonic() < end:
        try:
            while True:
                s.send(ASK)
                sent += 1
        except BlockingIOError:
            pass
        message = said(s, 0.01)
        assert message is None or message == REGISTERED, message
        answered += message is not None
    return sent, answered


def main():
    s = come(sys.argv[2])
    how = sys.argv[3]
    if how == "early":
        s.send(ASK)
        assert said(s, 10) == b"", "it was answered"
        return
    register(s)
    if how == "body":
        s.send(ASK + b"\0")
        assert said(s, 10) == b"", "it was answered"
    elif how == "honest":
        for _ in range(4):
            s.send(ASK)
            assert said(s, 0.9) == REGISTERED, "no answer"
            time.sleep(1)
    else:
        print("flooding", flush=True)
        sent, answered = flood(s)
        print("sent", sent, "answered", answered, flush=True)
        assert 4 <= answered <= 20, "answered %d" % answered


main()
END

# asks HOW
asks()
{
	python3 "$R/asks.py" "$SRC/tests/lib" "$R/run" "$1"
}

realm_make
daemon_start
for how in early body; do
	log_mark
	asks $how || give_up "a question: $how"
	wait_log 'session reference=1000000001: ' || give_up "no word of $how"
done
log_mark
asks honest || give_up "not answered"
! log_has 'session reference=[0-9]+: ' || give_up "a word about an honest one"

asks flood >"$R/flood" &
flood=$!
wait_for 10 grep -qs flooding "$R/flood" || give_up "no flood"
admitted alice alice
admitted bob bob
kill -0 $flood 2>/dev/null || give_up "the flood was over before"
wait $flood || give_up "the flood: $(cat "$R/flood")"
cat "$R/flood"
