#!/bin/bash
# Who can do what, by the symbols and libraries that each program has: the
# privilege map of the design, read from the binaries.
set -eu

rc=0
complain()
{
	echo "$*"
	rc=1
}

# where NAME: the installed program
where()
{
	find "$BUILD/inst" -type f -name "$1" -path '*bin*' -o -type f \
	    -name "$1" -path '*libexec*' | head -n 1
}

# libraries NAME: all that the loader would map
libraries()
{
	ldd "$(where "$1")" | awk '{ print $1 }'
}

symbols()
{
	nm -D --undefined-only "$(where "$1")" | awk '{ print $NF }' |
	    sed 's/@.*//'
}

# no_library REGEX NAME…
no_library()
{
	local regex=$1 p found

	shift
	for p in "$@"; do
		[ -n "$(where "$p")" ] || {
			complain "$p is not installed"
			continue
		}
		found=$(libraries "$p" | grep -E "$regex" | xargs)
		[ -z "$found" ] || complain "$p loads $found"
	done
}

# no_symbol REGEX NAME…
no_symbol()
{
	local regex=$1 p found

	shift
	for p in "$@"; do
		[ -n "$(where "$p")" ] || continue
		found=$(symbols "$p" | grep -E "^($regex)$" | xargs)
		[ -z "$found" ] || complain "$p can call $found"
	done
}

# no_own REGEX NAME…: code of ours that must not be inside at all
no_own()
{
	local regex=$1 p found

	shift
	for p in "$@"; do
		[ -n "$(where "$p")" ] || continue
		nm "$(where "$p")" >/dev/null 2>&1 ||
		    complain "$p has no symbol table to look at"
		found=$(nm "$(where "$p")" | awk '{ print $NF }' |
		    grep -E "^($regex)" | xargs)
		[ -z "$found" ] || complain "$p contains $found"
	done
}

tls='lib(gnutls|p11-kit|tasn1|ssl|crypto)\.'
pam='pam_.*'
exec='exec.*|fexecve|posix_spawn.*|system|popen'
users='get(pw|gr|spnam|grouplist).*|initgroups|setgroups'
network='socket|connect|bind|listen|accept4?|getaddrinfo'

no_library "$tls" certlogind certlogin-session certlogin-start \
    certlogin-map certloginctl
no_library 'libpam' certlogind certlogin-net certlogin-judge \
    certlogin-hostkey certlogin-start certlogin
no_symbol "$pam|$users|$exec|$network" certlogin-net certlogin-judge \
    certlogin-hostkey
no_own 'idmap_|rule_|decide_' certlogin-net certlogin-hostkey \
    certlogind certlogin-start certlogin
no_own 'trust_|revoke_|slice_' certlogin-net certlogin-hostkey certlogind \
    certlogin-session certlogin-start certloginctl
# what a policy is made of is a judge's alone
no_library 'libcdb' certlogind certlogin-session certlogin-start \
    certlogin-map certloginctl certlogin-net certlogin-hostkey certlogin
no_symbol 'set.*[ug]id.*' certlogin-net certlogin-judge certlogin-hostkey

# the helpers of the PAM module
if [ -n "$(where certlogin-spawn)" ]; then
	no_library "$tls" certlogin-spawn certlogin-p11
	no_library 'libcdb' certlogin-spawn certlogin-p11 certlogin-keyfile
	no_library 'libpam' certlogin-spawn certlogin-p11 certlogin-keyfile
	no_library 'lib(systemd|nettle)' certlogin-spawn certlogin-p11
	no_symbol "$pam|$users|$exec|$network" certlogin-keyfile
	no_symbol "$pam|$exec" certlogin-p11
	no_own 'decide_|trust_|slice_|verify_' certlogin-spawn certlogin-p11
fi

# what talks to web servers, and it alone
mapfile -t others < <(find "$BUILD/inst" -type f -executable \
    -name 'certlogin*' ! -name certlogin-fetch -printf '%f\n')
no_library 'libcurl' "${others[@]}"
if [ -n "$(where certlogin-fetch)" ]; then
	no_library 'lib(pam|p11-kit-proxy|systemd)\.' certlogin-fetch
	no_symbol "$pam|$users|$exec|set.*[ug]id.*|kill" certlogin-fetch
	no_own 'idmap_|rule_|decide_|trust_|slice_|verify_' certlogin-fetch
	libraries certlogin-fetch | grep -q libcurl ||
	    complain "certlogin-fetch without libcurl: the look-up is broken"
fi

# positive controls: the look-ups above find what is there
libraries certlogin-net | grep -qE "$tls" ||
    complain "certlogin-net without GnuTLS: the look-up is broken"
libraries certlogin-judge | grep -q libcdb ||
    complain "certlogin-judge without tinycdb: the look-up is broken"
symbols certlogin-session | grep -qE "^($pam)$" ||
    complain "certlogin-session without PAM: the look-up is broken"

# ---- hardening ----------------------------------------------------------
hardened()
{
	local f=$1

	readelf -h "$f" | grep -q 'Type:.*DYN' || complain "$f is no PIE"
	readelf -lW "$f" | grep -q GNU_RELRO || complain "$f has no RELRO"
	readelf -d "$f" | grep -qE 'BIND_NOW|FLAGS.*NOW' ||
	    complain "$f does not bind at start"
	readelf -lW "$f" | grep GNU_STACK | grep -q 'RWE' &&
	    complain "$f has an executable stack"
	if readelf -d "$f" | grep -qE 'RPATH|RUNPATH'; then
		complain "$f has a library path of its own"
	fi
	nm -D "$f" | grep -q __stack_chk_fail ||
	    complain "$f has no stack protector"
}

while read -r f; do
	[ "$(head -c 4 "$f" | tail -c 3)" != ELF ] || hardened "$f"
done < <(find "$BUILD/inst" -type f -executable)
for p in certlogin certlogind certlogin-net certlogin-judge certlogin-session; do
	symbols "$p" | grep -q '_chk$' || complain "$p is built without FORTIFY"
done
exit $rc
