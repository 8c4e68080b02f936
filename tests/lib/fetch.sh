# shellcheck shell=bash
# certloginctl fetch-crls against web servers of our own.  Source it and call
# fetch_make; it makes a realm (realm.sh), an authority `lab` (lab.sh) and
#
#	$R/web			what http://pki.test:8080/ serves
#	$R/web/lab.crl		lab's CRL of now
#	$R/etc/crl/lab.crl	in place: an older one
#
#	fetch [OPTION…]		$rc, $R/out, $R/err
#	fetched FILE RESULT [OPTION…]
#				it should: exit 0, FILE is in place
#	kept REASON [STATUS [OPTION…]]
#				it should not: exit STATUS (1), and what is in
#				place stays as it is, with nothing beside it

# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"
# shellcheck source=tests/lib/lab.sh
. "$SRC/tests/lib/lab.sh"

# shellcheck disable=SC2034	# for the tests
URL=http://pki.test:8080
CRL=$R/etc/crl/lab.crl
SERVERS=()
FETCH_USER=_certlogin-fetch

# server PORT [CERTIFICATE KEY]: what it is asked for is in $R/asked.PORT
server()
{
	local port=$1

	shift
	: >"$R/asked.$port"
	python3 "$SRC/tests/tools/crlserver.py" "$port" "$R/web" \
	    "$R/asked.$port" "$@" 2>>"$R/server.err" &
	SERVERS+=($!)
	wait_for 10 grep -q ready "$R/asked.$port" ||
	    give_up "no server: $(cat "$R/server.err")"
}

servers_stop()
{
	[ ${#SERVERS[@]} -eq 0 ] || kill "${SERVERS[@]}"
	SERVERS=()
}

helper_user()
{
	getent passwd "$1" >/dev/null || {
		echo "$1:x:$2:$2::/nonexistent:/usr/sbin/nologin" >>/etc/passwd
		echo "$1:x:$2:" >>/etc/group
	}
}

# crl_url URL [FILE]: where the lab's CRL is fetched from
crl_url()
{
	sed -i '/^crl-url/d' "$R/etc/trust.conf"
	sed -i "\\|^crl  *= ${2:-crl/lab.crl}\$|a crl-url    = $1" \
	    "$R/etc/trust.conf"
}

fetch_make()
{
	need_program python3 openssl
	[ -x "$BUILD/inst/libexec/certlogin/certlogin-fetch" ] || {
		echo "certlogin-fetch is not there"
		exit 77
	}
	helper_user _certlogin-judge 62002
	helper_user $FETCH_USER 62005
	echo "127.0.0.1 pki.test other.test" >>/etc/hosts
	realm_make
	AT_END=servers_stop
	lab_realm
	mkdir -p "$R/web" "$R/state"
	lab_crl "$R/lab" "$R/web/lab.crl"
	crl_url "$URL/lab.crl"
}

fetch()
{
	rc=0
	timeout 60 certloginctl -f "$R/etc/certlogind.conf" fetch-crls "$@" \
	    >"$R/out" 2>"$R/err" || rc=$?
}

# newer: the web has a later CRL from now on
newer()
{
	lab_crl "$R/lab" "$R/web/lab.crl"
}

fetched()
{
	local file=$1 result=$2

	shift 2
	fetch "$@"
	[ "$rc" -eq 0 ] || give_up "exit $rc: $(cat "$R/err")"
	grep -qE "^  result +$result\$" "$R/out" ||
	    give_up "it does not say '$result': $(cat "$R/out")"
	cmp "$file" "$CRL" || give_up "it is not in place"
}

# what is in place, and all there is
place_state()
{
	sha256sum "$CRL" 2>&1
	stat -c '%i %a %u %y %z' "$CRL" 2>&1
	ls -A "$R/etc/crl" "$R/etc"
}

kept()
{
	local reason=$1 status=${2:-1} before

	shift
	[ $# -eq 0 ] || shift
	before=$(place_state)
	fetch "$@"
	[ "$rc" -eq "$status" ] ||
	    give_up "exit $rc, not $status: $(cat "$R/err")"
	grep -qE -- "$reason" "$R/err" ||
	    give_up "it does not say '$reason': $(cat "$R/err")"
	[ "$(place_state)" = "$before" ] || give_up "$reason: it changed:
$(diff <(echo "$before") <(place_state))"
}
