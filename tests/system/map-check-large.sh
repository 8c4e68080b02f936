#!/bin/bash
# certlogin-map check stays quick on a map of 100,000 rules, whatever they look
# like, and still finds the one that is hidden among them.
# limit: 300
# alone
# shellcheck disable=SC2016	# awk has a $1 of its own
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

MAP=$R/etc/identity.map
LIMIT=5

# quick NAME REGEX PROGRAM: a map that this line of awk prints, one line for
# each number
quick()
{
	local name=$1 regex=$2 program=$3 start took

	seq 100000 | awk "{ i = sprintf(\"%05x\", \$1); $program }" >"$MAP"
	[ "$(wc -l <"$MAP")" -ge 100000 ] || give_up "$name: too few rules"
	start=$EPOCHREALTIME
	certlogin-map --map "$MAP" --trust "$R/etc/trust.conf" check \
	    >"$R/out" 2>&1 || give_up "$name: $(head -n 3 "$R/out")"
	took=$(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
	echo "$name: $took ms"
	[ $took -lt $((LIMIT * 1000)) ] || give_up "$name: took $took ms"
	grep -qE -- "$regex" "$R/out" ||
	    give_up "$name: no '$regex' in: $(head -n 5 "$R/out")"
}

need_program certlogin-ca certlogin-map
(umask 077 && echo a-passphrase-of-the-tests >"$R/passphrase")
ca init --realm "$REALM"
ca export --out "$R/etc"
# short names, for a map is bounded
sed -i -E 's/^\[authority user\]/[authority u]/; s/^names.*/names = uri=s:*, uri=s:*\/*/' \
    "$R/etc/trust.conf"
for i in $(seq 4000); do
	echo "u$i:x:$((10000 + i)):10000::/:/bin/sh"
done >>/etc/passwd
account a 42001

quick literal ':50001:1: warning: is hidden by line 50000' '
	if ($1 == 50001) i = sprintf("%05x", 50000)
	print "allow user u uri=s:" i " as a"'
quick accounts ':50001:1: warning: is hidden by line 50000' '
	print "allow user u uri=s:" int($1 == 50001 ? $1 - 1 : $1) " as u" \
	    int(($1 == 50001 ? $1 - 1 : $1) / 25)'
quick 'unknown accounts' 'took so long' '
	print "allow user u uri=s:x as b" i'
quick patterns ':50001:1: warning: is hidden by line 50000' '
	if ($1 == 50001) i = sprintf("%05x", 50000)
	print "allow user u uri=s:" i "/* as a"'
quick 'wild in front' ':50001:1: warning: is hidden by line 50000' '
	if ($1 == 50001) i = sprintf("%05x", 50000)
	print "allow user u uri=s:*" i " as a"'
quick denies ':100000:1: warning: never matches: line 3 denies' '
	if ($1 % 2) print "allow user u uri=s:" ($1 == 99999 ? "x" : i) " as a"
	else if ($1 == 2) print "# x\ndeny user u uri=s:x"
	else print "deny user u uri=s:" i'
quick 'wild denies' ':1:1: note: line 2 denies some' '
	if ($1 % 2) print "allow user u uri=s:" i "/* as a"
	else print "deny user u uri=s:*/" ($1 == 2 ? "*" : i)'
