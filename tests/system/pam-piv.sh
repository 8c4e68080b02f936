#!/bin/bash
# A PIV card in a reader, through pcscd and OpenSC: put in, taken out, wrong
# PIN, last try, locked.
# limit: 300
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

OPENSC=/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so
PIN=123456
PCSCD='' CARD='' BUS='' POLKIT=''

pcscd_end()
{
	local rc=$?

	trap - EXIT
	[ -z "$CARD" ] || kill "$CARD" 2>/dev/null || :
	[ -z "$PCSCD" ] || kill "$PCSCD" 2>/dev/null || :
	[ -z "$POLKIT" ] || kill "$POLKIT" 2>/dev/null || :
	[ -z "$BUS" ] || kill "$BUS" 2>/dev/null || :
	kill "$SYSLOG"
	wait || :
	exit $rc
}

# seen N: does OpenSC see N cards
seen()
{
	[ "$(pkcs11-tool --module $OPENSC -L 2>/dev/null |
	    grep -c 'token label')" -eq "$1" ]
}

# insert WHO: start the card, wait until the reader has it
insert()
{
	python3 "$SRC/tests/tools/pivcard.py" "$R/$1/$1.key" "$R/$1/$1.crt" \
	    $PIN "$R/tries" 2>"$R/card.log" &
	CARD=$!
	wait_for 30 seen 1 || give_up "no card: $(cat "$R/card.log")"
}

pull()
{
	kill "$CARD"
	wait "$CARD" 2>/dev/null || :
	CARD=''
	wait_for 30 seen 0 || give_up "still there"
}

# as polkit knows the driver's user
seen_by_driver()
{
	setpriv --reuid="$P11_USER" --clear-groups pkcs11-tool \
	    --module $OPENSC -L 2>/dev/null | grep -q 'token label'
}

polkit_there()
{
	dbus-send --system --print-reply --dest=org.freedesktop.DBus / \
	    org.freedesktop.DBus.NameHasOwner \
	    string:org.freedesktop.PolicyKit1 | grep -q 'boolean true'
}

# polkit_make: which pcscd asks, where it was built so
polkit_make()
{
	need_program dbus-daemon dbus-send
	mkdir -p /run/dbus
	dbus-daemon --system --nofork --nopidfile >"$R/bus.log" 2>&1 &
	BUS=$!
	wait_for 20 test -S /run/dbus/system_bus_socket || give_up "no bus"
	/usr/lib/polkit-1/polkitd --no-debug >"$R/polkit.log" 2>&1 &
	POLKIT=$!
	wait_for 20 polkit_there || give_up "no polkit"
	useradd --uid "$P11_USER" --no-create-home --no-user-group \
	    _certlogin-p11
}

# by_polkit: nobody but who is let in by the rule that we install
by_polkit()
{
	insert cP-256
	keeps_out 'cannot retrieve' 'no card' alice try $PIN
	cp "$BUILD/inst/share/polkit-1/rules.d/certlogin.rules" \
	    /etc/polkit-1/rules.d/
	wait_for 20 seen_by_driver || give_up "the rule does not count"
	lets_in alice try $PIN
	pull
}

pam_make
need_program pcscd
[ -e $OPENSC ] || {
	echo "$OPENSC is missing"
	exit 77
}
[ -n "$(find /usr/lib/pcsc /etc/reader.conf.d -name '*vpcd*')" ] || {
	echo "the reader of vsmartcard-vpcd is missing"
	exit 77
}
trap pcscd_end EXIT
mkdir -p /run/pcscd
asks_polkit=''
if pcscd --help | grep -q polkit; then
	asks_polkit=yes
	polkit_make
fi
pcscd -f >"$R/pcscd.log" 2>&1 &
PCSCD=$!
wait_for 20 test -S /run/pcscd/pcscd.comm || give_up "no pcscd"
sed -i "/^module/d" "$R/etc/pam.conf"
set_pam module $OPENSC
set_pam timeout 20s

echo "no card"
keeps_out 'cannot retrieve' 'no card' alice try
not_asked

lab_realm
if [ -n "$asks_polkit" ]; then
	echo "pcscd asks polkit"
	lab_issue "$R/lab" cP-256 key=P-256
	by_polkit
fi
for kind in P-256 P-384 rsa2048; do
	echo "$kind"
	lab_issue "$R/lab" "c$kind" "key=$kind"
	insert "c$kind"
	lets_in alice try $PIN
	pull
done

echo "a wrong PIN is sent once, and said to be wrong before"
insert cP-256
keeps_out 'wrong PIN' 'wrong PIN' alice try 999999
[ "$(cat "$R/tries")" = 2 ] || give_up "$(cat "$R/tries") tries are left"
keeps_out 'PIN is empty' 'empty' alice try ''
[ "$(cat "$R/tries")" = 2 ] || give_up "an empty PIN was sent"
lets_in alice try $PIN
[ "$(cat "$R/tries")" = 3 ] || give_up "the counter was not reset"

echo "last try: not for others"
keeps_out 'wrong PIN' '' alice try 999999
keeps_out 'wrong PIN' '' alice try 888888
[ "$(cat "$R/tries")" = 1 ] || give_up "$(cat "$R/tries") tries are left"
service remote remote=allow
TRY_OPTIONS=(-I ruser=bob)
keeps_out 'only its owner' 'last try' alice remote 777777
not_asked
[ "$(cat "$R/tries")" = 1 ] || give_up "bob spent the last try"
TRY_OPTIONS=()

echo "locked"
keeps_out 'locked' 'locked' alice try 777777
grep -q 'Last try' "$R/err" || give_up "no warning"
keeps_out 'locked' 'locked' alice try $PIN
not_asked
echo 3 >"$R/tries"

echo "taken out, and put in while somebody waits"
pull
keeps_out 'cannot retrieve' 'no card' alice try
service slow wait=60s
log_mark
(echo $PIN | stdbuf -o0 pamtester -v slow alice authenticate >"$R/err" \
    2>&1) &
pid=$!
wait_for 20 grep -q 'Insert your smart card' "$R/err" || give_up "not asked"
insert cP-256
wait $pid || give_up "not let in"
wait_log 'authenticated: account=alice' || give_up "not in the log"

echo "certlogin-map sees the same"
certlogin-map test --token --conf "$R/etc/pam.conf" --account alice \
    >"$R/out" || give_up "$(cat "$R/out")"
grep -q '^allowed: account alice' "$R/out" || give_up "$(cat "$R/out")"
