#!/usr/bin/env python3
"""A web server that behaves, and one that does not, for fetch-crls.

    crlserver.py PORT FOLDER LOG [CERTIFICATE KEY]

Each request's line goes to LOG, after "ready".  Paths:
    /NAME         that file of FOLDER
    /big          100 MB, which it says before; /endless: which it does not
    /drip         a byte each tenth of a second, without end
    /slow/NAME    that file, 1,000 bytes a second
    /hang         nothing at all
    /short        less than it promised, then the end
    /status/N     status N, with the file `error` of FOLDER as its body
    /to/URL       a redirect to URL
    /loop         a redirect to itself
    /body/URL     a redirect whose own body is the file `error`
"""
import http.server
import os
import ssl
import sys
import time

PORT, FOLDER, LOG = int(sys.argv[1]), sys.argv[2], sys.argv[3]


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def body(self, status, data, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def file(self, name):
        with open(os.path.join(FOLDER, name), "rb") as f:
            return f.read()

    def forever(self, data, pause, length=None):
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        while True:
            self.wfile.write(data)
            self.wfile.flush()
            time.sleep(pause)

    def slowly(self, data):
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        for at in range(0, len(data), 100):
            self.wfile.write(data[at:at + 100])
            self.wfile.flush()
            time.sleep(0.1)

    def answer(self, word, rest):
        if word == "big":
            self.forever(b"\n" * 65536, 0, 100000000)
        elif word == "endless":
            self.forever(b"\n" * 65536, 0)
        elif word == "drip":
            self.forever(b"\n", 0.1)
        elif word == "slow":
            self.slowly(self.file(rest))
        elif word == "hang":
            time.sleep(600)
        elif word == "short":
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(self.file("error"))
        elif word == "status":
            self.body(int(rest), self.file("error"))
        elif word == "to":
            self.body(302, b"", [("Location", rest)])
        elif word == "body":
            self.body(302, self.file("error"), [("Location", rest)])
        elif word == "loop":
            self.body(302, b"", [("Location", "/loop")])
        else:
            try:
                self.body(200, self.file(word))
            except OSError:
                self.body(404, b"no such file\n")

    def do_GET(self):
        with open(LOG, "a") as f:
            print(self.requestline, self.headers.get("Host"), file=f)
        word, _, rest = self.path[1:].partition("/")
        try:
            self.answer(word, rest)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


server = Server(("127.0.0.1", PORT), Handler)
if len(sys.argv) > 4:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[4], sys.argv[5])
    server.socket = tls.wrap_socket(server.socket, server_side=True,
                                    do_handshake_on_connect=False)
with open(LOG, "a") as f:
    print("ready", file=f)
server.serve_forever()
