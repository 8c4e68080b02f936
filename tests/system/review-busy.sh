#!/bin/bash
# A session that is never quiet comes back to a new certlogind all the same, and
# is ended as any other: one of its processes ends all the time.
# also-in: no-sandbox
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/review.sh
. "$SRC/tests/lib/review.sh"

need_program script

# An orphan every tenth of a second: its end wakes the session up.
ORPHANS='while sleep 0.1; do (true &); done'

realm_make
review_make
daemon_start
on_terminal a alice alice "($ORPHANS) &"
without m meter ingest

kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null || :
DAEMON=''
daemon_start
wait_for 10 eval "control status | grep -qE 'sessions +2\$'" ||
    give_up "not both came back: $(control sessions)"
stays a m

change
ca revoke --id user/alice
ca export --out "$R/etc"
ended a 'the certificate is revoked'
stays m
