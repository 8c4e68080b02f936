#!/usr/bin/env python3
"""A wire between processes of two versions: whoever is at one end of it is, for
whoever is at the other, of a version that is higher by one.

    otherversion.py LISTEN TARGET

Takes connections at the path LISTEN, makes one to the path TARGET for each, and
passes on whole messages with their descriptors, in which the version is the
first byte, or the third of those of PROTOCOL.md's hellos that have one. Says
`ready`; runs until it is killed.
"""
import array
import os
import select
import socket
import sys

HELLO = 0
WITH_VERSION = {1, 2, 5}                # HELLO_SESSION, _WELCOME, _RUNS


def changed(data):
    if not data:
        return data
    at = 0
    if data[0] == HELLO:
        if data[1] not in WITH_VERSION:
            return data
        at = 2
    return data[:at] + bytes([data[at] + 1]) + data[at + 1:]


def passed(source, sink):
    """False when it is over."""
    try:
        data, fds, _, _ = socket.recv_fds(source, 1 << 17, 64)
        if not data:
            return False
        socket.send_fds(sink, [changed(data)], fds)
    except OSError:
        return False
    for fd in array.array("i", fds):
        os.close(fd)
    return True


def main():
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(sys.argv[1])
    listener.listen(64)
    print("ready", flush=True)
    other = {}
    while True:
        for s in select.select([listener] + list(other), [], [])[0]:
            if s is listener:
                a, _ = listener.accept()
                b = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                b.connect(sys.argv[2])
                other[a], other[b] = b, a
            elif s in other and not passed(s, other[s]):
                peer = other.pop(s)
                del other[peer]
                s.close()
                peer.close()


main()
