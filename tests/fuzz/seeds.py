#!/usr/bin/env python3
"""Make the binary seeds of tests/fuzz/corpus again.

    tests/fuzz/seeds.py

Text seeds (ini, map, pattern, decide) are written by hand beside them.
"""
import os
import struct

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")


def u8(v):
    return struct.pack(">B", v)


def u16(v):
    return struct.pack(">H", v)


def u32(v):
    return struct.pack(">I", v)


def u64(v):
    return struct.pack(">Q", v)


def string(v):
    v = v.encode() if isinstance(v, str) else v
    return u32(len(v)) + v


def write(target, name, data):
    folder = os.path.join(CORPUS, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)


# ---- the connection protocol -------------------------------------------------
AS_CLIENT, REFUSE, LATE, LATE_REPLY, SOME, SEND, KEEP = 1, 2, 4, 8, 16, 32, 64


def frame(kind, body=b""):
    return u32(len(body) + 1) + u8(kind) + body


def login(account="alice", preferred="al"):
    return frame(50, string(account) + string(preferred))


def success():
    return frame(52, string("alice") +
                 string("staff uri=spiffe://example.org/user/alice"))


def opened(number, kind="session", more=b""):
    return frame(90, string(kind) + u32(number) + more)


def request(number, name, reply=False, body=b""):
    return frame(98, u32(number) + string(name) + u8(reply) + body)


def data(number, text):
    return frame(94, u32(number) + string(text))


def stderr(number, text):
    return frame(95, u32(number) + u32(1) + string(text))


def window(columns=80, rows=24):
    return u32(columns) + u32(rows) + u32(640) + u32(480)


MODES = u8(3) + u32(127) + u8(53) + u32(1) + u8(128) + u32(38400) + u8(0)
PTY = string("xterm-256color") + window() + string(MODES)
KEEPALIVE = frame(80, string("keepalive@certlogin") + u8(1))


def conn(name, settings, sent):
    write("conn", name, u8(settings) + u8(37) + sent)


def conn_as_server():
    conn("server-shell", 0, login() + opened(1) +
         request(1, "pty-req", False, PTY) +
         request(1, "env", False, string("LANG") + string("C.UTF-8")) +
         request(1, "shell", True) + data(1, "id\n") +
         request(1, "window-change", False, window(132, 50)) +
         request(1, "signal", False, string("INT")) +
         frame(96, u32(1)) + frame(97, u32(1)))
    conn("server-exec-late", LATE | LATE_REPLY | SOME | SEND,
         login("", "bob") + opened(1) +
         request(1, "exec", True, string("cat")) + data(1, "x" * 3000) +
         request(1, "unknown@example", True, b"anything") +
         request(1, "eow@openssh.com") + KEEPALIVE)
    conn("server-many", SEND | KEEP, login() +
         b"".join(opened(n) + request(n, "subsystem", True, string("sftp"))
                  for n in range(1, 41, 2)) +
         frame(93, u32(1) + u32(2 << 20)) + frame(192, u32(3)) +
         b"".join(frame(97, u32(n)) for n in range(1, 41, 2)))
    conn("server-forward", 0, login() +
         opened(1, "direct-streamlocal@openssh.com",
                string("/run/x") + string("") + u32(0)) +
         opened(3, "tun@openssh.com", b"what") +
         frame(80, string("streamlocal-forward@openssh.com") + u8(1) +
               string("/run/y")))
    conn("server-refuses", REFUSE, login() + opened(1))
    conn("server-login-twice", 0, login() + login())
    conn("server-data-first", 0, data(1, "x"))
    conn("server-oversized", 0, u32(65533) + u8(50))
    conn("server-window", 0, login() + opened(1) +
         frame(94, u32(1) + u32(60000) + b"x" * 10))
    conn("server-disconnect", 0, frame(1, u32(11) + string("bye")))


def conn_as_client():
    conn("client-session", AS_CLIENT | SEND, frame(53, string("welcome")) +
         success() + frame(91, u32(1)) + frame(99, u32(1)) +
         frame(81) + data(1, "uid=1000\n") + stderr(1, "warning\n") +
         request(1, "exit-status", False, u32(0)) + frame(96, u32(1)) +
         frame(97, u32(1)))
    conn("client-signal", AS_CLIENT | SOME, success() + frame(91, u32(1)) +
         frame(100, u32(1)) + request(1, "exit-signal", False,
                                      string("KILL") + u8(0) + string("")) +
         frame(97, u32(1)))
    conn("client-refused", AS_CLIENT,
         frame(51, string("mapped to no account") + u64(1234)))
    conn("client-open-failure", AS_CLIENT, success() +
         frame(92, u32(1) + u32(4) + string("too many channels")))
    conn("client-forwarded", AS_CLIENT, success() +
         opened(2, "forwarded-streamlocal@openssh.com",
                string("/run/y") + string("")) + frame(97, u32(2)))
    conn("client-unexpected-reply", AS_CLIENT, success() + frame(81) +
         frame(81))


def messages():
    """In the order of the table in fuzz_msg.c."""
    exits = string("TERM") + u8(1) + string("Terminated")
    seeds = [
        ("login", string("alice") + string("al")),
        ("failure", string("no") + u64(7)),
        ("success", string("alice") + string("staff uri=spiffe://x/a")),
        ("banner", string("welcome\n")),
        ("disconnect", u32(2) + string("malformed: LOGIN")),
        ("open", string("session") + u32(1)),
        ("open-failure", u32(1) + u32(1) + string("prohibited")),
        ("channel", u32(1)),
        ("adjust", u32(1) + u32(1 << 21)),
        ("global", string("keepalive@certlogin") + u8(1)),
        ("request", u32(1) + string("exec") + u8(1) + string("id")),
        ("window", window()),
        ("pty", PTY),
        ("env", string("LANG") + string("C")),
        ("text", string("rsync --server .")),
        ("signal", string("HUP")),
        ("exit-status", u32(255)),
        ("exit-signal", exits),
        ("check-exit-signal", exits),
        ("modes", MODES),
    ]
    for i, (name, body) in enumerate(seeds):
        write("msg", name, u8(i) + body)
    write("msg", "open-streamlocal",
          u8(5) + string("direct-streamlocal@openssh.com") + u32(3) +
          string("/run/x") + string("") + u32(0))
    write("msg", "modes-unknown", u8(19) + u8(150) + u32(1) + u8(200))


# ---- between our processes ----------------------------------------------------
RANDOM = b"\x11" * 32
SEEN = string(b"\x22" * 32) + string(b"\x01\x00") + \
    u64(1700000000) + u64(1700000000)
HOST = u16(0x0403) + u32(2) + string(b"leaf") + string(b"issuer")


def net_messages():
    yield "net-join", 1, string(RANDOM)
    yield "net-signed", 2, string(b"signature")
    yield "net-refuse", 3, u8(48) + u64(7) + string("unknown CA")
    yield "net-success", 4, string("alice") + string("staff uri=x:a") + \
        string("Last login: today\n")
    yield "net-started", 5, u32(1)
    yield "net-not-started", 6, u32(1) + string("no more processes")
    yield "net-exited", 7, u32(1) + u8(0) + u32(255) + u8(0)
    yield "net-exited-signal", 7, u32(1) + u8(1) + u32(3) + u8(1)
    yield "net-end", 8, string("ended by the administrator")
    yield "net-sign", 16, string(b"\x01\x00\x00\x04abcd")
    yield "net-login", 17, string(b"\x01\x00\x00\x04abcd") + \
        string("alice") + string("")
    yield "net-failed", 18, u8(2) + u32(0xffffffff) + u8(40)
    yield "net-start", 19, u32(1) + u8(2) + u8(1) + window() + \
        string(string("exec") + string(string("id")))
    yield "net-winch", 20, u32(1) + window(132, 50)
    yield "net-signal", 21, u32(1) + u8(5)
    yield "net-closed", 22, u32(1)


def judge_messages():
    address = string(b"\xc0\x00\x02\x01")
    yield "judge-login", 32, string(RANDOM) + \
        string(b"\x01\x00\x00\x04abcd") + string("alice") + string("") + \
        address
    texts = ["alice", "staff", "staff uri=x:a", "CN=Issuing", "4f1a09",
             "/usr/bin/ingest", "", ""]
    yield "judge-verdict", 33, u8(0x5a) + u8(0) + u8(1) + u32(3) + u32(7) + \
        u64(1800000000) + u64(2) + b"".join(string(t) for t in texts)
    texts = ["", "", "", "", "", "", "expired", "validity: RFC 5280 4.1.2.5"]
    yield "judge-refused", 33, u8(0) + u8(45) + u8(0) + u32(0) + u32(0) + \
        u64(0) + u64(2) + b"".join(string(t) for t in texts)


def test_messages():
    yield "judge-test", 36, string("lifetime,revocation") + u8(0) + u8(0) + \
        string("") + u64(1800000000) + string("alice") + \
        string("certlogind") + string(b"\xc0\x00\x02\x01")
    check = string("validity") + string("RFC 5280 4.1.2.5") + u8(1) + \
        string("until 2027-01-01")
    leaf = string("") + string("") + string("staff") + string("CN=alice") + \
        string("CN=Issuing") + string("4f1a09") + \
        string("sha256:" + 64 * "5") + string("sha256:" + 64 * "c") + \
        u64(1) + u64(1900000000) + \
        u32(1) + string("uri=x:a") + \
        u32(1) + string("http://pki.example.org/a.crl") + string("") + \
        u64(1800000000)
    decision = u8(1) + u8(1) + string("ok") + string("") + string("") + \
        u32(3) + string("alice") + u8(0) + string("staff uri=x:a") + \
        u32(0) + string("") + u64(0)
    yield "judge-tested", 37, string("") + u8(1) + u8(0) + u32(1) + check + \
        leaf + decision
    yield "judge-tested-problem", 37, string("no certificate") + u8(1) + \
        u8(0) + u32(0) + leaf + decision


def review_messages():
    yield "judge-review", 38, u64(7)
    yield "judge-keep", 39, u64(7) + u8(0x3c) + u8(0) + u32(3) + \
        u64(1800000000) + string("") + string("")
    yield "judge-end", 39, u64(7) + u8(0xc3) + u8(1) + u32(0) + u64(0) + \
        string("the certificate is revoked") + string("revocation: 6.3")
    yield "judge-not-reviewed", 39, u64(7) + u8(0) + u8(0) + u32(0) + \
        u64(0) + string("") + string("out of memory")


def pam_messages():
    yield "pam-offer", 88, string("sudo") + string("alice") + u32(2) + \
        string(b"\x30\x00") + string(b"\x30\x01\x00")
    yield "pam-prove", 89, u32(1) + string(RANDOM) + string("0123abcd") + \
        string(b"signature")
    texts = ["alice", "staff", "staff uri=x:a", "CN=alice", "CN=Issuing",
             "4f1a09", "", ""]
    yield "pam-facts", 90, u8(0x5a) + u16(0x0403) + string(RANDOM) + u8(1) + \
        u32(3) + u64(1) + u64(1800000000) + b"".join(string(t) for t in texts)
    texts = ["", "staff", "", "CN=alice", "CN=Issuing", "4f1a09", "expired",
             "validity: RFC 5280 4.1.2.5"]
    yield "pam-facts-expired", 90, u8(1) + u16(0) + string(RANDOM) + u8(0) + \
        u32(0) + u64(1) + u64(2) + b"".join(string(t) for t in texts)
    yield "pam-loaded", 91, u8(1) + string("")
    yield "pam-not-kept", 91, u8(2) + string("not a policy")
    yield "pam-not-loaded", 91, u8(0) + string("trust.conf:3: no such key")


def load_messages():
    yield "load-begin", 40, u64(1) + string("/etc/certlogin/trust.conf") + \
        string("/etc/certlogin/identity.map") + \
        string("/var/lib/certlogin/locks.map") + u32(1) + SEEN
    yield "load-want", 41, u32(2) + string("ca/staff.crt") + u8(0) + \
        string("crl/staff.crl") + u8(1)
    yield "load-files", 42, u32(2) + u8(1) + string("") + u8(0) + \
        string("no such file")
    about = string("staff") + u8(0) + u32(1) + u64(1900000000) + u8(1) + \
        SEEN + u64(1800000000) + u32(3)
    key = u32(1) + string(b"\x22" * 32)
    authority = about + string("") + u8(0) + u8(0) + key
    carried = about + string("CRL crl/staff.crl: forged") + u8(0) + u8(1) + key
    finding = u8(0) + string("trust.conf") + u32(3) + u32(1) + \
        string("names of any form are accepted")
    yield "load-done", 43, u8(1) + u32(5) + u32(2) + u64(0) + u32(1) + \
        u32(7) + u64(1850000000) + u32(1) + authority + u32(1) + \
        SEEN + u32(0) + u32(1) + u32(0) + u32(1) + finding
    yield "load-done-carried", 43, u8(1) + u32(5) + u32(2) + u64(0) + u32(0) + \
        u32(1) + carried + u32(0) + u32(0) + u32(0) + u32(0) + u32(0)
    times = (u64(1700000000) + u32(999999999)) * 2
    yield "load-sources", 44, u32(2) + \
        string("/etc/certlogin/trust.conf") + u8(0) + u8(0) + u8(1) + \
        u64(65024) + \
        u64(4711) + u64(310) + times + \
        string("/etc/certlogin/crl/staff.crl") + u8(4) + u8(1) + u8(0) + \
        bytes(48)


def crl_messages():
    yield "crl-list", 56, string("/etc/certlogin/trust.conf")
    yield "crl-listed", 57, u8(1) + u32(1) + string("staff") + \
        string("crl/staff.crl") + string("https://pki.example.org/a.crl") + \
        u32(0) + u32(0) + u32(0)
    yield "crl-judge", 58, string("/etc/certlogin/trust.conf") + \
        string("staff") + string("crl/staff.crl") + u8(1) + u32(1) + SEEN
    yield "crl-judged", 59, u8(0x5a) + string("") + string("not there") + \
        u8(1) + u64(1800000000) + u64(1900000000) + u64(1850000000)
    yield "crl-refused", 59, u8(0) + string("forged") + string("stale") + \
        u8(0) + u64(0) * 3
    yield "fetch-get", 60, string("https://pki.example.org/a.crl") + u32(60)
    yield "fetch-done", 61, u8(0) + string("404")


def other_messages():
    yield "key-sign", 48, string(RANDOM) + string(b"\x01\x00\x00\x04abcd")
    yield "key-signed", 49, string(b"signature") + string("")
    yield "key-signed-error", 49, string("") + string("not our certificate")
    yield "key-channel", 52, string(b"\x20\x01\x0d\xb8\0\0\0\0")
    yield "key-ready", 53, HOST + u64(1800000000)
    yield "key-failed", 54, string("host.key: no key")
    yield "ses-join", 64, u64(7) + string(b"\xc0\x00\x02\x01") + u16(40000)
    yield "ses-empty", 65, b""
    yield "ses-end", 67, string("ended")
    yield "ses-refused", 81, u8(5) + string("alice") + string("no") + \
        string("no rule fits")
    texts = ["alice", "staff uri=x:a", "CN=Issuing", "4f1a09", "192.0.2.1",
             "pts/3"]
    yield "ses-register", 82, u64(7) + u64(2) + u64(1700000000) + \
        u64(1800000000) + u32(99) + u32(3) + u16(40000) + \
        b"".join(string(t) for t in texts)
    yield "ses-log", 83, string("a line")
    yield "ses-tty", 84, string("pts/3")
    yield "ses-ask", 85, b""
    yield "ctl-try", 135, string("/etc/certlogin/identity.map") + u32(2) + \
        u32(4711) + u32(1)
    items = item("refusal") + item("reference", 7) + \
        item("when", when=1700000000) + item("why", "no rule fits")
    yield "ctl-why", 129, u64(7)
    yield "ctl-reload", 130, u8(1)
    yield "ctl-status", 131, b""
    yield "ctl-sessions", 132, string("staff uri=x:a") + string("alice")
    yield "ctl-end", 133, u64(0) + string("") + string("alice") + \
        string("reboot at 12:00")
    yield "ctl-answer", 144, u8(0) + string("") + items
    yield "ctl-part", 145, items
    yield "hello-session", 221, u8(2) + u64(9) + u64(1700000000) + \
        u64(1700003600) + b"".join(string(t) for t in (
            "alice", "staff uri=x:a", "192.0.2.1", "pts/3"))
    yield "hello-welcome", 222, u8(2)
    yield "hello-end", 223, string("ended by an administrator")
    yield "hello-ask", 224, b""
    yield "hello-runs", 225, u8(2) + u32(3)
    yield "settings", 200, string("certlogind") + string("") + \
        string("/run/certlogin") + u32(3600) + u32(1000) + u32(60000) + \
        u64(1024) + u32(1) + string("backup")
    texts = ["alice", "/home/alice", "/bin/bash", "", "staff uri=x:a",
             "CN=Issuing", "4f1a09", "192.0.2.1 40000"]
    yield "begin", 201, u8(2) + u8(0) + b"".join(string(t) for t in texts) + \
        u32(1) + string("TZ=UTC") + \
        string(string("exec") + string(string("id")))
    yield "host", 202, HOST
    yield "proof", 203, string(RANDOM) + string(b"\x01\x00\x00\x04abcd") + \
        string("alice") + u8(0) + string(b"\xc0\x00\x02\x01") + u32(4) + \
        string("/usr/bin/ingest")


def item(name, value=None, when=None):
    if when is not None:
        return u8(4) + string(name) + u64(when)
    if value is None:
        return u8(1) + string(name)
    if isinstance(value, int):
        return u8(3) + string(name) + u64(value)
    return u8(2) + string(name) + string(value)


def ctl_answers():
    sessions = b"".join(
        item("session") + item("reference", n) + item("account", "alice") +
        item("tty", "") + item("since", when=1700000000 * n)
        for n in range(3))
    numbers = item("daemon") + item("version", "0.1.0") + \
        item("sessions", 3) + item("started", when=1700000000)
    for reason in "", "map":
        numbers += item("logins") + item("result", "refused") + \
            item("reason", reason) + item("count", 5)
    for le in "0.5", "+Inf":
        numbers += item("login-time") + item("le", le) + item("count", 2)
    numbers += item("login-time-all") + item("seconds", "1.000500") + \
        item("count", 2) + item("authority") + item("name", 'a"\\') + \
        item("crl-age", 60)
    yield "text", u8(0) + sessions
    yield "json", u8(1) + sessions
    yield "metrics", u8(2) + numbers


def p11_messages():
    yield "load", 112, string("/usr/lib/softhsm/libsofthsm2.so") + u32(1) + \
        string("SOFTHSM2_CONF=/etc/softhsm2.conf")
    yield "list", 113, string("pkcs11:token=card")
    yield "open", 114, u32(1)
    yield "login", 115, string("123456")
    yield "sign", 116, u16(0x0403) + string(b"what is signed")
    yield "local", 117, u32(1000)
    yield "done", 120, u32(0) + u32(9) + string("")
    yield "done-failed", 120, u32(9) + u32(0x10) + string("wrong PIN")
    yield "cert", 121, u32(0x41) + u32(3) + string("card") + \
        string("PIV AUTH") + string(b"\x01") + string(b"0\x03\x02\x01\x00")
    yield "signed", 122, string(b"signature")


# ---- a TLS transcript ---------------------------------------------------------
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891"
                      "c2a211167abb8c5e079e09e2c8a8339c")


def handshake(kind, body):
    return u8(kind) + struct.pack(">I", len(body))[1:] + body


def hello(random, suite=0x1301, extensions=None):
    if extensions is None:
        extensions = u16(43) + u16(2) + u16(0x0304)
    return handshake(2, u16(0x0303) + random + u8(0) + u16(suite) + u8(0) +
                     u16(len(extensions)) + extensions)


def certificate(der):
    entry = u32(len(der))[1:] + der + u16(0)
    return handshake(11, u8(0) + u32(len(entry))[1:] + entry)


CLIENT_HELLO = handshake(1, b"client hello")
REST = handshake(8, u16(0)) + handshake(13, u8(0) + u16(4) + u16(13) + u16(0))
OWN = certificate(b"own certificate")


def transcripts():
    good = CLIENT_HELLO + hello(RANDOM) + REST + OWN
    psk = u16(43) + u16(2) + u16(0x0304) + u16(41) + u16(2) + u16(0)
    yield "good", good
    yield "with-client", good + certificate(b"client") + handshake(15, b"s")
    yield "sha384", CLIENT_HELLO + hello(RANDOM, 0x1302) + REST + OWN
    yield "retry", CLIENT_HELLO + hello(RETRY) + good
    yield "retry-twice", CLIENT_HELLO + hello(RETRY) + CLIENT_HELLO + \
        hello(RETRY) + REST + OWN
    yield "psk", CLIENT_HELLO + hello(RANDOM, 0x1301, psk) + REST + OWN
    yield "tls12", CLIENT_HELLO + hello(RANDOM, 0x1301, b"") + REST + OWN
    yield "other-random", CLIENT_HELLO + hello(b"\x12" * 32) + REST + OWN
    yield "other-certificate", CLIENT_HELLO + hello(RANDOM) + REST + \
        certificate(b"another")
    yield "cut", good[:-9]


FINISHED = handshake(20, b"f" * 32)


def proof(scheme, signature):
    return handshake(15, u16(scheme) + u16(len(signature)) + signature)


def proven():
    """Whole handshakes, through the client's CertificateVerify."""
    server = CLIENT_HELLO + hello(RANDOM) + REST + OWN + \
        handshake(15, b"s") + FINISHED
    good = server + certificate(b"client")
    many = u8(0) + u32(5 * 11)[1:] + \
        5 * (u32(6)[1:] + b"client" + u16(0))
    signature = bytes.fromhex("3006020101020101")
    yield "good", good + proof(0x0403, signature)
    yield "retry", CLIENT_HELLO + hello(RETRY) + good + \
        proof(0x0403, signature)
    yield "other-scheme", good + proof(0x0804, b"s" * 256)
    yield "no-signature", good + proof(0x0403, b"")
    yield "five", server + handshake(11, many) + proof(0x0403, signature)
    yield "none", server + handshake(11, u8(0) + u32(0)[1:]) + \
        proof(0x0403, signature)
    yield "context", server + handshake(11, u8(1) + b"x" + u32(0)[1:]) + \
        proof(0x0403, signature)
    yield "behind", good + proof(0x0403, signature) + FINISHED
    yield "cut", good + proof(0x0403, signature)[:-3]


# ---- certificates: fuzz_cert, fuzz_verify ------------------------------------
ROOT_KEY = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a"
                         "0ee172f3daa62325af021a68f707511a")
MID_KEY = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc"
                        "9c982ccf2ec4968cc0cd55f12af4660c")
ED25519 = bytes.fromhex("300506032b6570")
CLIENT_AUTH, SERVER_AUTH = (bytes.fromhex("06082b0601050507030" + n)
                            for n in "21")


def tlv(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    size = u8(n) if n < 0x80 else b"\x81" + u8(n) if n < 0x100 else \
        b"\x82" + u16(n)
    return u8(tag) + size + body


def seq(*parts):
    return tlv(0x30, *parts)


def common_name(text):
    return seq(tlv(0x31, seq(bytes.fromhex("0603550403"),
                             tlv(0x0c, text.encode()))))


def extension(oid, value, critical=False):
    return seq(tlv(6, oid), tlv(1, b"\xff") if critical else b"",
               tlv(4, value))


def id_ce(n, value, critical=False):
    return extension(bytes([0x55, 0x1d, n]), value, critical)


def tbs(subject, issuer, key, *extensions, serial=2):
    return seq(bytes.fromhex("a003020102"), tlv(2, u8(serial)), ED25519,
               common_name(issuer),
               seq(tlv(0x17, b"200101000000Z"), tlv(0x17, b"491231235959Z")),
               common_name(subject), seq(ED25519, tlv(3, b"\0" + key)),
               tlv(0xa3, seq(*extensions)))


def sans(*names):
    return id_ce(17, seq(*names))


URI = tlv(0x86, b"spiffe://lab.example/user/alice")
CA = id_ce(19, seq(tlv(1, b"\xff")), True)
CERT_SIGN = id_ce(15, bytes.fromhex("03020106"), True)
SIGN = id_ce(15, bytes.fromhex("03020780"), True)
CLIENT = id_ce(37, seq(CLIENT_AUTH))
SERVER = id_ce(37, seq(SERVER_AUTH))
MICROSOFT = bytes.fromhex("2b060104018237")
UPN = tlv(0xa0, tlv(6, MICROSOFT + b"\x14\x02\x03"),
          tlv(0xa0, tlv(0x0c, b"alice@corp.example")))
SID = extension(MICROSOFT + b"\x19\x02", seq(tlv(
    0xa0, tlv(6, MICROSOFT + b"\x19\x02\x01"),
    tlv(0xa0, tlv(4, b"S-1-5-21-1-2-3-1104")))))
MANY = sans(URI, UPN, tlv(0x81, b"alice@example.org"),
            tlv(0x82, b"web.example.org"), tlv(0x87, b"\xc0\0\2\1"),
            tlv(0xa4, common_name("x")), tlv(0x88, b"\x2a\3"))
CONSTRAINTS = id_ce(30, seq(
    tlv(0xa0, seq(tlv(0x86, b"lab.example")), seq(tlv(0x81, b".example.org")),
        seq(tlv(0x87, b"\xc0\0\2\0\xff\xff\xff\0"))),
    tlv(0xa1, seq(tlv(0x82, b"example.com")))), True)
ALICE_KEY = bytes(range(32))


def leaf(issuer, *extensions):
    return tbs("alice", issuer, ALICE_KEY, *extensions)


def extension_lists():
    yield "leaf", SIGN + CLIENT + sans(URI)
    yield "names", MANY + SID
    yield "constraints", CA + CERT_SIGN + CONSTRAINTS
    yield "constrained", MANY + CONSTRAINTS
    yield "path-length", id_ce(19, seq(tlv(1, b"\xff"), tlv(2, b"\0")), True)
    yield "policy", id_ce(36, seq(tlv(0x80, b"\0")), True)
    yield "unknown", extension(b"\x2a\x03\x04", b"x", True)
    yield "points", id_ce(31, seq(seq(tlv(0xa0, tlv(0xa0, tlv(
        0x86, b"http://a/b.crl"), tlv(0x86, b"ldap:///cn=a")))), seq(
            tlv(0xa0, tlv(0xa1, b"")), tlv(0x81, b"\1\2"), tlv(0xa2, tlv(
                0x86, b"x")))))
    yield "access", extension(bytes.fromhex("2b06010505070101"), seq(seq(
        tlv(6, bytes.fromhex("2b06010505073001")), tlv(0x86, b"http://a"))))


def chains():
    good = leaf("root", SIGN, CLIENT, sans(URI))
    mid = tbs("mid", "root", MID_KEY, CA, CERT_SIGN)
    below = leaf("mid", SIGN, CLIENT, sans(URI))
    yield "good", 0, 2, [good]
    yield "strict", 0, 6, [good]
    yield "names", 0, 0, [leaf("root", SIGN, CLIENT, MANY, SID)]
    yield "other-key", 1, 0, [good]
    yield "below", 1, 2, [below, mid]
    yield "constrained", 1, 0, [
        below, tbs("mid", "root", MID_KEY, CA, CERT_SIGN, CONSTRAINTS)]
    yield "not-ca", 1, 0, [below, tbs("mid", "root", MID_KEY, SIGN, CLIENT)]
    yield "host", 0, 1, [leaf("root", SIGN, SERVER, sans(
        tlv(0x82, b"web.example.org")))]
    yield "loop", 5, 0, [below, tbs("mid", "mid", MID_KEY, CA, CERT_SIGN)]


def certificates():
    for name, body in extension_lists():
        write("cert", name, b"\0" + body)
    for name, who, how, chain in chains():
        write("verify", name, u8(who) + u8(how) + b"".join(
            u16(len(c)) + c for c in chain))
        write("cert", "whole-" + name, b"\1" + seq(
            chain[0], ED25519, tlv(3, b"\0" + bytes(64))))


def main():
    certificates()
    conn_as_server()
    conn_as_client()
    messages()
    for part in (net_messages, judge_messages, test_messages, review_messages,
                 pam_messages, load_messages, crl_messages, other_messages):
        for name, kind, body in part():
            write("ipc", name, u8(kind) + body)
    for name, kind, body in p11_messages():
        write("p11msg", name, u8(kind) + body)
    for name, body in ctl_answers():
        write("ctl", name, body)
    for name, body in transcripts():
        write("handshake", name, body)
    for name, body in proven():
        write("transcript", name, body)


if __name__ == "__main__":
    main()
