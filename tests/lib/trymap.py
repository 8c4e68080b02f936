#!/usr/bin/env python3
"""Ask certlogind what a map would end, and print its answer.

    trymap.py SOCKET MAP|- [PID...]

Prints `status N ERROR`, then a line `NAME=VALUE` for each item, records in
brackets.  With - the message has no descriptor.
"""
import os
import socket
import struct
import sys

VERSION, TRY, ANSWER = 2, 7, 16
RECORD, TEXT, NUMBER, TIME = 1, 2, 3, 4


def string(text):
    return struct.pack(">I", len(text)) + text


def take(data, at):
    size = struct.unpack_from(">I", data, at)[0]
    return data[at + 4:at + 4 + size].decode(), at + 4 + size


def items(data, at):
    while at < len(data):
        kind = data[at]
        name, at = take(data, at + 1)
        if kind == RECORD:
            print("[%s]" % name)
        elif kind == TEXT:
            value, at = take(data, at)
            print("%s=%s" % (name, value))
        else:
            print("%s=%d" % (name, struct.unpack_from(">q", data, at)[0]))
            at += 8


def main():
    pids = [int(p) for p in sys.argv[3:]]
    body = string(sys.argv[2].encode()) + struct.pack(">I", len(pids)) + \
        b"".join(struct.pack(">I", p) for p in pids)
    message = bytes([VERSION, TRY]) + body
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(60)
    s.connect(sys.argv[1])
    if sys.argv[2] == "-":
        s.send(message)
    else:
        fd = os.open(sys.argv[2], os.O_RDONLY)
        socket.send_fds(s, [message], [fd])
    data = s.recv(65536)
    assert data[:2] == bytes([VERSION, ANSWER]), data[:2]
    error, at = take(data, 3)
    print("status %d %s" % (data[2], error))
    items(data, at)


if __name__ == "__main__":
    main()
