#!/usr/bin/env python3
"""Stand-ins for live sessions: they come to `register` in RUN_DIR as sessions
of an earlier certlogind do, and stay until they are told to end.

    sessions.py RUN_DIR COUNT

Prints `ready`, then for each that was ended `ended REFERENCE TEXT`; ends with
the last of them or when certlogind goes.
"""
import os
import select
import socket
import struct
import sys
import time

REGISTER, REGISTERED, END = 82, 66, 67
VERSION, SESSION = 2, 1                 # ours; HELLO_SESSION
FIRST = 1000000000                      # reference of the first


def string(text):
    data = text.encode()
    return struct.pack(">I", len(data)) + data


def hello(number):
    """HELLO_SESSION of PROTOCOL.md"""
    now = int(time.time())
    return struct.pack(">BBBQQQ", 0, SESSION, VERSION, FIRST + number, now,
                       now + 3600) + \
        b"".join(string(t) for t in ["user", "identity", "192.0.2.1", ""])


def register(number):
    """SES_REGISTER of PROTOCOL.md"""
    account = "user%d" % (number % 100)
    texts = [account, "user uri=spiffe://test.example/user/" + account,
             "CN=user CA 1,O=test.example", "%032x" % number,
             "192.0.2.%d" % (number % 256), ""]
    return struct.pack(">BBQQQQIIH", VERSION, REGISTER, FIRST + number, 1,
                       int(time.time()), 0, os.getpid(), 7, 40000) + \
        b"".join(string(t) for t in texts)


def main():
    run_dir, count = sys.argv[1], int(sys.argv[2])
    proof = os.memfd_create("proof")
    poll = select.poll()
    live = {}
    for number in range(count):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.connect(run_dir + "/register")
        s.send(hello(number))
        socket.send_fds(s, [register(number)], [proof])
        poll.register(s, select.POLLIN)
        live[s.fileno()] = s, FIRST + number
    waiting = count
    while live:
        for fd, _ in poll.poll():
            s, reference = live[fd]
            message = s.recv(65536)
            if message[:1] == b"\0":            # HELLO_WELCOME
                continue
            if message[1:2] == bytes([REGISTERED]):
                waiting -= 1
                if waiting == 0:
                    print("ready", flush=True)
                continue
            if message[1:2] == bytes([END]):
                print("ended", reference, message[6:].decode(), flush=True)
            elif message:
                sys.exit("unexpected message %d" % message[1])
            poll.unregister(fd)
            del live[fd]
            s.close()


if __name__ == "__main__":
    main()
