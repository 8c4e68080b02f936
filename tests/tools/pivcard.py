#!/usr/bin/env python3
"""A PIV card (NIST SP 800-73-4) in the virtual reader of vsmartcard-vpcd.

    pivcard.py KEY CERT PIN TRIES [PORT]

Starting it inserts the card, ending it takes the card out.  KEY and CERT are
PEM: RSA-2048, P-256 or P-384, in slot 9A.  TRIES is a file with the number of
PIN tries that are left; it outlives the card.  Signatures are openssl's.
"""
import os
import socket
import struct
import subprocess
import sys

AID = bytes.fromhex("a000000308000010000100")
TRIES_MAX = 3
# historical bytes that name the application, so that OpenSC has no
# workarounds for an elder card
ATR_BODY = bytes([0x80, 0xF9]) + AID[:9]
OFF, ON, RESET, GET_ATR = 0, 1, 2, 4
OK, NOT_FOUND, BLOCKED, NOT_VERIFIED = 0x9000, 0x6A82, 0x6983, 0x6982
WRONG_DATA, WRONG_P1P2, NO_SUCH_INS, WRONG_LENGTH = (0x6A80, 0x6A86, 0x6D00,
    0x6700)


def tlv(tag, value):
    n = len(value)
    head = tag.to_bytes(2 if tag > 0xFF else 1, "big")
    if n < 0x80:
        return head + bytes([n]) + value
    if n < 0x100:
        return head + bytes([0x81, n]) + value
    return head + bytes([0x82]) + struct.pack(">H", n) + value


def parse(data):
    """Yield tag and value of each BER-TLV with a tag of one byte."""
    at = 0
    while at + 2 <= len(data):
        tag, n = data[at], data[at + 1]
        at += 2
        if n & 0x80:
            width = n & 0x7F
            n = int.from_bytes(data[at:at + width], "big")
            at += width
        yield tag, data[at:at + n]
        at += n


def openssl(*words, stdin=b""):
    return subprocess.run(["openssl", *words], input=stdin, check=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


class Card:
    def __init__(self, key, cert, pin, tries):
        self.key, self.pin, self.tries_file = key, pin.encode(), tries
        self.cert = openssl("x509", "-in", cert, "-outform", "DER")
        text = openssl("pkey", "-in", key, "-noout", "-text")
        self.rsa = b"RSA" in text or b"modulus" in text
        self.algorithm = 0x07 if self.rsa else 0x14 if b"384" in text else 0x11
        self.verified = False
        self.chain = self.rest = b""

    @property
    def tries(self):
        with open(self.tries_file) as f:
            return int(f.read())

    @tries.setter
    def tries(self, n):
        with open(self.tries_file, "w") as f:
            f.write(str(n))

    def reset(self):
        self.verified = False
        self.chain = self.rest = b""

    # ---- commands --------------------------------------------------------
    def select(self, p1, p2, data):
        if p1 != 4 or len(data) < 5 or not AID.startswith(data):
            return NOT_FOUND, b""
        return OK, tlv(0x61, tlv(0x4F, AID[5:]) + tlv(0x79, tlv(0x4F,
            AID[:5])))

    def get_data(self, p1, p2, data):
        wanted = next((v for t, v in parse(data) if t == 0x5C), b"")
        if wanted == b"\x7e":               # discovery object
            return OK, tlv(0x7E, tlv(0x4F, AID) + tlv(0x5F2F, b"\x40\x00"))
        if wanted == b"\x5f\xc1\x05":       # certificate of 9A
            return OK, tlv(0x53, tlv(0x70, self.cert) + tlv(0x71, b"\x00") +
                tlv(0xFE, b""))
        if wanted == b"\x5f\xc1\x02":       # CHUID, told apart by its GUID
            return OK, tlv(0x53, tlv(0x30, bytes(25)) + tlv(0x34,
                self.cert[-16:]) + tlv(0x35, b"20991231") + tlv(0x3E, b"") +
                tlv(0xFE, b""))
        return NOT_FOUND, b""

    def verify(self, p1, p2, data):
        if p2 != 0x80:
            return 0x6A88, b""
        if p1 == 0xFF:
            self.verified = False
            return OK, b""
        left = self.tries
        if not data:
            return (OK if self.verified else 0x63C0 | left if left else
                BLOCKED), b""
        if left == 0:
            return BLOCKED, b""
        self.verified = data == self.pin.ljust(8, b"\xff")
        self.tries = left = TRIES_MAX if self.verified else left - 1
        return (OK if self.verified else 0x63C0 | left if left else
            BLOCKED), b""

    def authenticate(self, p1, p2, data):
        if p2 != 0x9A or p1 != self.algorithm:
            return WRONG_P1P2, b""
        if not self.verified:
            return NOT_VERIFIED, b""
        body = next((v for t, v in parse(data) if t == 0x7C), b"")
        challenge = next((v for t, v in parse(body) if t == 0x81), b"")
        if not challenge:
            return WRONG_DATA, b""
        # the host pads for RSA; what is left is the bare private operation
        how = ["-decrypt", "-pkeyopt", "rsa_padding_mode:none"] if self.rsa \
            else ["-sign"]
        signature = openssl("pkeyutl", *how, "-inkey", self.key,
            stdin=challenge)
        return OK, tlv(0x7C, tlv(0x82, signature))

    # ---- APDUs -----------------------------------------------------------
    def respond(self, status, data):
        """At most 256 bytes at once; the rest by GET RESPONSE."""
        part, self.rest = data[:256], data[256:]
        if self.rest:
            status = 0x6100 | (len(self.rest) if len(self.rest) < 256 else 0)
        return part + struct.pack(">H", status)

    def apdu(self, a):
        if len(a) < 4:
            return self.respond(WRONG_LENGTH, b"")
        cla, ins, p1, p2 = a[:4]
        data = b""
        if len(a) > 7 and a[4] == 0:
            data = a[7:7 + int.from_bytes(a[5:7], "big")]
        elif len(a) > 5:
            data = a[5:5 + a[4]]
        if ins == 0xC0:
            return self.respond(OK, self.rest)
        self.chain += data
        if cla & 0x10:                      # command chaining
            return self.respond(OK, b"")
        data, self.chain = self.chain, b""
        command = {0xA4: self.select, 0xCB: self.get_data,
            0x20: self.verify, 0x87: self.authenticate}.get(ins)
        if command is None:
            return self.respond(NO_SUCH_INS, b"")
        return self.respond(*command(p1, p2, data))

    def atr(self):
        body = bytes([0x80 | len(ATR_BODY), 0x80, 0x01]) + ATR_BODY
        check = 0
        for b in body:
            check ^= b
        return b"\x3b" + body + bytes([check])


def receive(s, n):
    data = b""
    while len(data) < n:
        part = s.recv(n - len(data))
        if not part:
            sys.exit(0)
        data += part
    return data


def main():
    if len(sys.argv) not in (5, 6):
        sys.exit(__doc__)
    card = Card(*sys.argv[1:5])
    if not os.path.exists(card.tries_file):
        card.tries = TRIES_MAX
    port = int(sys.argv[5]) if len(sys.argv) == 6 else 35963
    s = socket.create_connection(("127.0.0.1", port))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while True:
        m = receive(s, int.from_bytes(receive(s, 2), "big"))
        if len(m) == 1 and m[0] in (OFF, ON, RESET):
            card.reset()
            continue
        answer = card.atr() if m == bytes([GET_ATR]) else card.apdu(m)
        s.sendall(struct.pack(">H", len(answer)) + answer)


main()
