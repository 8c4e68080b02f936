#!/bin/bash
# A captured certlogin-fetch changes nothing, whatever it hands on, and holds
# nobody up; a captured judge reaches the one CRL that it is asked about, which
# the running certlogind then does not take.
# limit: 240
set -eu
# shellcheck source=tests/lib/fetch.sh
. "$SRC/tests/lib/fetch.sh"

helpers=$BUILD/inst/libexec/certlogin

lying()
{
	echo "$*"
	echo "$*" >"$R/helpers/lie"
}

# believed_not LIE REASON STATUS [OPTION…]: and the honest one afterwards
believed_not()
{
	local begun=$SECONDS lie=$1

	shift
	lying "$lie"
	newer
	kept "$@"
	[ $((SECONDS - begun)) -le 45 ] || give_up "it took too long"
	echo honest >"$R/helpers/lie"
	fetched "$R/web/lab.crl" new
}

put_back()
{
	daemon_stop
	servers_stop
	wait_for 10 umount "$helpers"
}

fetch_make
[ -x "$BUILD/tests/tools/lyingfetch" ] || {
	echo "tests/tools/lyingfetch is not built"
	exit 77
}
cp "$CRL" "$R/older"
cp -a "$helpers" "$R/helpers"
for name in fetch judge; do
	mv "$R/helpers/certlogin-$name" "$R/helpers/certlogin-$name.real"
	cp "$BUILD/tests/tools/lyingfetch" "$R/helpers/certlogin-$name"
done
cp "$R/older" "$R/helpers/older"
mount --bind "$R/helpers" "$helpers"
AT_END=put_back
server 8080
lying honest
fetched "$R/web/lab.crl" new

believed_not garbage 'refused: expected -----BEGIN' 1
believed_not much 'not fetched: is too big; at most 45000000 bytes' 0
believed_not trickle 'not fetched: certlogin-fetch does not end in time' 0 \
    --time-limit 1
believed_not silence 'not fetched: certlogin-fetch does not end in time' 0 \
    --time-limit 1
believed_not older 'refused: rolled back' 1
believed_not denies 'not fetched: no' 0
believed_not both 'not fetched: certlogin-fetch did not answer' 0
believed_not escape 'not fetched: certlogin-fetch did not answer' 0
believed_not type 'not fetched: certlogin-fetch did not answer' 0
believed_not descriptor 'not fetched: certlogin-fetch did not answer' 0
believed_not nothing 'not fetched: certlogin-fetch did not answer' 0
believed_not crash 'not fetched: certlogin-fetch did not answer' 0

believed_not "outcome 2" 'failed: .*judge did not answer' 3
believed_not "no-times" 'failed: .*judge did not answer' 3
believed_not crash-judge 'failed: .*judge did not answer' 3

echo "a judge that says yes to anything"
daemon_start
admitted good alice
echo "garbage" >"$R/web/lab.crl"
lying replace
fetch
[ "$rc" -eq 0 ] || give_up "exit $rc: $(cat "$R/err")"
cmp "$R/web/lab.crl" "$CRL" || give_up "the captured judge reached nothing"
cmp "$R/etc/ca/lab.crt" "$R/lab/ca.crt" || give_up "it reached an anchor"
echo honest >"$R/helpers/lie"
log_mark
control reload >/dev/null 2>&1 || :
wait_log 'stays in force' || give_up "no word about it"
admitted good alice
newer
fetched "$R/web/lab.crl" new
control reload >/dev/null || give_up "reload: exit $?"
admitted good alice
