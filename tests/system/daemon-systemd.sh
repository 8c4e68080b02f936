#!/bin/bash
# What systemd is told (sd_notify) and what it may hand over (LISTEN_FDS).
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

realm_make
set_conf listen 127.0.0.1:4699
cat >"$R/systemd.py" <<'END'
"""Start argv[2:] as systemd would: a listening socket at 3, and a socket for
notifications, each of which becomes a line of the file argv[1]."""
import os, socket, subprocess, sys
say = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
say.bind(os.environ["NOTIFY_SOCKET"])
door = socket.socket()
door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
door.bind(("127.0.0.1", int(os.environ.pop("PORT"))))
door.listen()
pid = os.fork()
if pid == 0:
    os.dup2(door.fileno(), 3)
    os.set_inheritable(3, True)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
    os.execvp(sys.argv[2], sys.argv[2:])
door.close()
with open(sys.argv[1], "w", buffering=1) as out:
    print("pid", pid, file=out)
    while True:
        text = say.recv(4096).decode()
        print(text, file=out)
        if "STOPPING=1" in text:
            break
os.waitpid(pid, 0)
END
NOTIFY_SOCKET=$R/notify PORT=$PORT python3 "$R/systemd.py" "$R/said" \
    certlogind -f "$R/etc/certlogind.conf" -D -e >>"$R/log" 2>&1 &
parent=$!
wait_for 20 grep -qx 'READY=1' "$R/said" || give_up "no READY=1"
DAEMON=$(sed -n 's/^pid //p' "$R/said")
admitted alice alice
ss -Hltn 'sport = :4699' | grep -q . && give_up "it listens by itself as well"
kill "$DAEMON"
DAEMON=''
wait "$parent" || give_up "the starter ended with $?"
grep -qx 'STOPPING=1' "$R/said" || give_up "no STOPPING=1"
