#!/bin/bash
# A server that sends a byte now and then is given up after some 20 s, however
# long the whole may take; one that is only slow is not.
set -eu
# shellcheck source=tests/lib/fetch.sh
. "$SRC/tests/lib/fetch.sh"

# revocations N: of certificates that the lab's CA never made
revocations()
{
	local i end now

	now=$(date -u +%y%m%d%H%M%SZ)
	end=$(date -u -d '10 days' +%y%m%d%H%M%SZ)
	for ((i = 1; i <= $1; i++)); do
		printf 'R\t%s\t%s\t%08X\tunknown\t/CN=gone\n' "$end" "$now" $i
	done
}

fetch_make
server 8080

echo "a byte each tenth of a second"
crl_url "$URL/drip"
begun=$SECONDS
kept 'not fetched: .*Operation too slow' 0 --time-limit 55
[ $((SECONDS - begun)) -ge 20 ] && [ $((SECONDS - begun)) -le 35 ] ||
    give_up "it took $((SECONDS - begun)) s"

echo "1,000 bytes each second, for longer than that"
revocations 900 >>"$R/lab/index.txt"
newer
[ "$(stat -c %s "$R/web/lab.crl")" -gt 23000 ] || give_up "too small: $(stat -c %s "$R/web/lab.crl")"
crl_url "$URL/slow/lab.crl"
begun=$SECONDS
fetched "$R/web/lab.crl" new --time-limit 55
[ $((SECONDS - begun)) -gt 22 ] || give_up "it was not slow"
