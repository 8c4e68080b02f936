#!/bin/bash
# A captured certlogin-net: what it submits is no login unless the judge finds
# in it what this connection's client signed for this host, now.
# also-in: no-sandbox sanitizers
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/lab.sh
. "$SRC/tests/lib/lab.sh"
# shellcheck source=tests/lib/liars.sh
. "$SRC/tests/lib/liars.sh"

# net_does LIE CLIENT LOG: alice logs in meanwhile, and is refused
net_does()
{
	echo "$1"
	lie "$1"
	caught alice alice "$2" "$3"
	nothing_happened alice
}

# A host that alice's client would accept as well, with another key.
foreign_host()
{
	ca issue host other --ip 127.0.0.1 --dns localhost --out "$R/other"
	cp "$R/other/other.crt" "$spoils/foreign.crt"
	cp "$R/other/other.key" "$spoils/foreign.key"
	chown -R 62001:62001 "$spoils"
}

realm_make
liar_make net lyingnet
spoils=$R/helpers/spoils
mkdir -m 0700 "$spoils"
foreign_host
echo "allow user user uri=spiffe://$REALM/user/carol as carol command=\"echo forced; tty\" no-pty" \
    >>"$R/etc/identity.map"
daemon_start
admitted alice alice

lie keep
admitted bob bob
[ -s "$spoils/login" ] && [ -s "$spoils/sign" ] ||
    give_up "bob's handshake was not kept"

# a handshake that was not this one, or not the client's
NOT_SIGNED='the signature by your key did not hold'
net_does replay "$NOT_SIGNED" \
    'server random is not the one that was chosen for this connection'
net_does swap-certificate "$NOT_SIGNED" 'signature of the handshake: '
net_does swap-both "$NOT_SIGNED" 'signature of the handshake: '
net_does alter-signature "$NOT_SIGNED" 'signature of the handshake: '
net_does alter-hello "$NOT_SIGNED" 'signature of the handshake: '
net_does second-try "$NOT_SIGNED" 'signature of the handshake: '

# what the client signed for another host
NOT_PROVEN='the handshake does not prove who you are'
net_does 'foreign alice' "$NOT_PROVEN" \
    'the handshake carries another server certificate than ours'
net_does 'repaired alice' "$NOT_PROVEN" 'signature of the handshake: '

# what the host key would have to sign for it
WRONG='something is wrong on the server; its log says what'
net_does sign-foreign "$WRONG" 'host key: signature refused: the handshake carries another server certificate'
net_does sign-replay "$WRONG" \
    'host key: signature refused: server random is not the one'

# no reason to throw the hostkey process away, which others wait for
net_does sign-empty "$WRONG" \
    'certlogin-net sent a malformed request for a signature'
! log_since | grep 'host key process' || give_up "the hostkey was replaced"

# what it may not say, or not now
NOT_NOW='login is not possible now; tell the administrator'
TURN='certlogin-net sent a message out of turn'
# the answer of the first may have gone out
net_does sign-twice "$WRONG|$NOT_NOW" "$TURN"
net_does login-first "$WRONG" "$TURN"
net_does start-first "$WRONG" "$TURN"
net_does start-before-login "$NOT_NOW" "$TURN"
net_does noise "$NOT_NOW" 'certlogin-net sent what is not a message'
net_does too-long "$NOT_NOW" 'certlogin-net sent a malformed login'
lie hang-up
caught alice alice "$NOT_NOW" 'certlogin-net ended before the login'
! grep -q 'reference 0' "$R/err" || give_up "a number that leads nowhere"
nothing_happened alice

# accounts that the person was not given
OTHER='your certificate is trusted, but not for that account'
net_does 'account carol' "$OTHER" 'no rule allows this login.* not .carol'
net_does 'account root' "$OTHER" 'no rule allows this login.* not .root'
net_does 'account nosuchaccount' "$OTHER" 'no rule allows this login'

echo "submitted twice: one login, and no more than that"
lie login-twice
client alice alice@localhost id -un </dev/null
refusal_seen 'session ended|ended the session|connection' \
    'ended for alice: certlogin-net sent a message out of turn'
nothing_happened alice

echo "restrictions ignored"
lie honest
client carol carol@localhost id </dev/null
[ "$(head -n 1 "$R/out")" = forced ] || give_up "the forced command did not run"
lie start-pty
client carol carol@localhost id </dev/null
[ "$rc" -eq 255 ] || give_up "a terminal in spite of no-pty: exit $rc"
[ ! -s "$R/out" ] || give_up "there was output: $(cat "$R/out")"
wait_log 'not started for carol: a terminal is not permitted' ||
    give_up "the log does not say why"
grep -q 'not permitted' "$R/err" || give_up "the client does not say why"
nothing_happened carol

echo "asks for ever and does not listen: the session ends it, as it would hear
that an admin does"
lie deaf
client carol carol@localhost id </dev/null
[ "$rc" -eq 255 ] || give_up "deaf: exit $rc"
wait_log 'ended for carol: certlogin-net does not listen' ||
    give_up "the log does not say why"
nothing_happened carol

echo "says nothing"
set_conf login-grace-time 2s
lie honest
daemon_reload
lie silence
caught alice alice '.' 'not logged in within login-grace-time'
nothing_happened alice
