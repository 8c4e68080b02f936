#!/bin/bash
# A certificate is revoked while its owner is logged in: every session of it
# is ended with all its processes, and the person is told why; nobody else's
# is, not even one of the same account.
# also-in: no-sandbox sanitizers
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/review.sh
. "$SRC/tests/lib/review.sh"

need_program script tmux setsid

all_hidden()
{
	[ "$(pgrep -u alice -fc 'live-here ')" -ge 5 ]
}

# traced PHASE N: PAM's sessions
traced()
{
	[ "$(grep -c "$1" "$R/pam.trace")" -eq "$2" ]
}

realm_make
review_make
# processes that are hard to find
cat >"$R/home/alice/hide" <<'END'
trap '' HUP TERM INT
(setsid sh -c "trap '' HUP TERM; : live-here ; sleep 1001" &)
sh -c 'sh -c ": live-here ; sleep 1002" & exit'
tmux -f /dev/null new-session -d "sh -c ': live-here ; sleep 1003'"
nohup sh -c ': live-here ; while :; do sh -c "sleep 0.01"; done' >nohup 2>&1 &
END
daemon_start

on_terminal here alice alice 'sh hide'
wait_for 10 all_hidden ||
    give_up "not all are hidden: $(pgrep -af live-here)"
without there alice alice
on_terminal other bob alice
without bobs bob bob
control status >"$R/out" || give_up "status: exit $?"
grep -qE 'sessions +4' "$R/out" || give_up "not four sessions"
traced open_session 4 || give_up "PAM's trace"
who_is="$(who /run/utmp | grep -c alice)" || :
[ "$who_is" -eq 2 ] || give_up "utmp: $(who /run/utmp)"

echo "revoked"
ca revoke --id user/alice
change
ca export --out "$R/etc"
ended here 'the certificate is revoked'
ended there 'the certificate is revoked'
judged_again
[ "$(log_since | grep -c 'ended: account=alice .*/alice": revoked: ')" -eq 2 ] ||
    give_up "the log does not say who, and why"
stays other bobs
wait_for 5 traced close_session 2 ||
    give_up "PAM sessions: $(cat "$R/pam.trace")"
[ "$(who /run/utmp | grep -c alice)" -eq 1 ] || give_up "utmp: $(who /run/utmp)"
wait_for 5 eval 'control status | grep -qE "sessions +2"' ||
    give_up "still listed"
refused alice alice revoked revoked
admitted bob alice
stays other bobs
