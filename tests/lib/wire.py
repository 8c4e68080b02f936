#!/usr/bin/env python3
"""A client that does one thing wrong, to see how the server takes it.

    wire.py [--port N] [--cert F --key F] CASE

Prints what came back, a line each: `alert NAME`, `message TYPE TEXT`,
`closed`, or `nothing` after --wait seconds.  Exit 0 whatever it was.
"""
import argparse
import socket
import ssl
import struct
import sys

ALPN = "certlogin/1"
LOGIN, FAILURE, SUCCESS, CHANNEL_OPEN, CHANNEL_REQUEST = 50, 51, 52, 90, 98


def string(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack(">I", len(data)) + data


def frame(kind, body=b""):
    return struct.pack(">IB", len(body) + 1, kind) + body


def login(account="alice", preferred=""):
    return frame(LOGIN, string(account) + string(preferred))


def open_session(channel=1):
    return frame(CHANNEL_OPEN, string("session") + struct.pack(">I", channel))


# what each case sends behind a complete handshake
FRAMES = {
    "login": login(),
    "huge-frame": struct.pack(">IB", 0xffffffff, LOGIN) + b"x" * 4096,
    "big-frame": frame(LOGIN, b"x" * 300000),
    "empty-frame": struct.pack(">I", 0),
    "cut-frame": login()[:-3],
    "string-beyond-frame": frame(LOGIN, struct.pack(">I", 1 << 30) + b"a"),
    "trailing-bytes": frame(LOGIN, string("alice") + string("") + b"more"),
    "nul-in-account": login(b"alice\0root"),
    "newline-in-account": login(b"alice\nroot"),
    "quote-in-account": login('alice" reference=1: forged'),
    "long-account": login("a" * 5000),
    "unknown-type": frame(200, b"?"),
    "success-from-client": frame(SUCCESS, string("alice")),
    "open-before-login": open_session() + login(),
    "data-before-login": frame(94, struct.pack(">I", 1) + string("x")),
    "two-logins": login() + login(),
    "request-without-channel": login() + frame(CHANNEL_REQUEST,
        struct.pack(">I", 1) + string("shell") + b"\1"),
    "open-twice": login() + open_session() + open_session(),
    "even-channel": login() + open_session(2),
}
# cases that end their side after sending
CUT = {"cut-frame"}


def context(args, alpn=ALPN, newest=ssl.TLSVersion.TLSv1_3):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.verify_mode = ssl.CERT_NONE
    ctx.maximum_version = newest
    if alpn:
        ctx.set_alpn_protocols([alpn])
    if args.cert:
        ctx.load_cert_chain(args.cert, args.key)
    return ctx


def printable(data):
    return "".join(chr(b) if 32 <= b < 127 else "." for b in data)


def show(buffer):
    """Print the complete frames in buffer, return the rest."""
    while len(buffer) >= 5:
        length, = struct.unpack(">I", buffer[:4])
        if len(buffer) < 4 + length:
            break
        print("message", buffer[4], printable(buffer[5:4 + length]))
        buffer = buffer[4 + length:]
    return buffer


def listen(connection):
    buffer = b""
    try:
        while True:
            data = connection.recv(65536)
            if not data:
                print("closed")
                return
            buffer = show(buffer + data)
    except socket.timeout:
        print("nothing")
    except ssl.SSLError as e:
        alert(e)
    except ConnectionError:
        print("closed")


def alert(error):
    reason = error.reason or str(error)
    word = reason.split("ALERT_")[-1].lower().replace("_", " ")
    print("alert" if "ALERT" in reason else "error", word)


def handshake(args, **options):
    raw = socket.create_connection(("127.0.0.1", args.port), args.wait)
    return context(args, **options).wrap_socket(raw,
        server_hostname="localhost")


def run(args):
    case = args.case
    if case in ("silence", "junk", "http", "half-hello"):
        c = socket.create_connection(("127.0.0.1", args.port), args.wait)
        c.sendall({"silence": b"", "junk": bytes(range(256)) * 64,
            "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "half-hello": bytes.fromhex("1603010200010001fc0303")}[case])
        listen_raw(c)
        return
    options = {"tls12": {"newest": ssl.TLSVersion.TLSv1_2},
        "no-alpn": {"alpn": None},
        "other-alpn": {"alpn": "h2"}}.get(case, {})
    c = handshake(args, **options)
    if case == "idle":
        pass
    elif case in FRAMES:
        c.sendall(FRAMES[case])
    else:
        c.sendall(login())
    if case in CUT:
        socket.socket.shutdown(c, socket.SHUT_WR)
    listen(c)


def listen_raw(connection):
    try:
        while True:
            data = connection.recv(4096)
            if not data:
                print("closed")
                return
            kind = "alert" if data[0] == 21 else "bytes"
            print(kind, data[:16].hex())
    except socket.timeout:
        print("nothing")
    except ConnectionError:
        print("closed")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--port", type=int, default=4622)
    p.add_argument("--cert")
    p.add_argument("--key")
    p.add_argument("--wait", type=float, default=10)
    p.add_argument("case")
    args = p.parse_args()
    try:
        run(args)
    except ssl.SSLError as e:
        alert(e)
    except ConnectionError:
        print("closed")
    return 0


sys.exit(main())
