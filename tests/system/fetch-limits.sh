#!/bin/bash
# A server that sends too much, too slowly, nothing, or leads elsewhere is
# given up, within the time given, and what is in place stays.
set -eu
# shellcheck source=tests/lib/fetch.sh
. "$SRC/tests/lib/fetch.sh"

# not_fetched PATH REASON [SECONDS]: within that many seconds and a few more
not_fetched()
{
	local begun=$SECONDS

	echo "$1"
	crl_url "$URL$1"
	kept "not fetched: .*($2)" 0 --time-limit "${3:-30}"
	[ $((SECONDS - begun)) -le $((${3:-30} + 8)) ] ||
	    give_up "it took $((SECONDS - begun)) s"
}

fetch_make
echo "an error of the server" >"$R/web/error"
server 8080
fetched "$R/web/lab.crl" new
newer

not_fetched /big 'is too big; at most 45000000 bytes'
not_fetched /endless 'is too big; at most 45000000 bytes'
not_fetched /drip 'Operation timed out' 3
not_fetched /hang 'Operation timed out' 3
not_fetched /short 'closed with .* bytes remaining|with .* bytes missing'
not_fetched /no-such-file 'error: 404'
not_fetched /status/500 'error: 500'
not_fetched /status/403 'error: 403'
not_fetched /status/201 'answers with status 201; expected 200'
not_fetched /status/304 'answers with status 304; expected 200'
not_fetched /loop 'redirects more than 3 times'
not_fetched "/to/file://$R/web/lab.crl" \
    'redirects to file:.*; expected http or https'
not_fetched /to/ftp://pki.test/lab.crl \
    'redirects to ftp:.*; expected http or https'
not_fetched /to/gopher://pki.test/lab.crl 'redirects to gopher:'
not_fetched "/to/http://user:pass@pki.test:8080/lab.crl" \
    'redirects to a URL with a user name'
not_fetched /to/http://pki.test:8081/ 'Failed to connect|refused'
not_fetched /to/http://no-such-host.test/ \
    'the address of no-such-host.test is not found'
if grep -q ftp "$R/asked.8080" && ! grep -q 'GET /to/ftp' "$R/asked.8080"; then
	give_up "asked for what it should not: $(cat "$R/asked.8080")"
fi

echo "a file that is too big"
head -c 45000001 /dev/zero >"$R/web/big.crl"
crl_url "$R/web/big.crl"
kept 'is too big; at most 45000000 bytes' 0

echo "no name service, and no server"
crl_url "http://no-such-host.test/lab.crl"
kept 'the address of no-such-host.test is not found' 0
crl_url "http://127.0.0.1:8081/lab.crl"
kept 'not fetched: ' 0

echo "as many redirects as are followed, and the control"
crl_url "$URL/to/$URL/to/$URL/to/$URL/lab.crl"
fetched "$R/web/lab.crl" new
