#!/bin/bash
# Every program says what it is and how it is used, takes no option that it
# does not know, and has each of its options and commands in its manual.
set -eu

complain()
{
	echo "$*"
	rc=1
}

# run PROGRAM ARGUMENT…: $out, $err, $status
run()
{
	status=0
	out=$(timeout 10 "$@" 2>"$TMPDIR/err" </dev/null) || status=$?
	err=$(cat "$TMPDIR/err")
}

# the options in a text, one a line; -ab as -a and -b
options()
{
	grep -oE -- '(^|[^A-Za-z0-9-])-(-[a-z][a-z0-9-]+|[A-Za-z0-9]+)' |
	    grep -oE -- '-(-[a-z0-9-]+|[A-Za-z0-9]+)$' | while read -r o; do
		case $o in
		--*) echo "$o" ;;
		*) sed 's/^-//; s/./-&\n/g' <<<"$o" | grep . ;;
		esac
	done | sort -u
}

# manual NAME: its text, without a width that would break words
manual()
{
	mandoc -T ascii -O width=200 "$SRC"/man/"$1".[18] | col -b
}

# words NAME PROGRAM: --help and --version
words()
{
	run "$2" --version
	[ $status -eq 0 ] || complain "$1 --version: exit $status"
	grep -qE "^$1 [0-9]+\.[0-9]+\.[0-9]+(, (no )?sandbox.*)?\$" \
	    <<<"$out" || complain "$1 --version says '$out'"
	run "$2" --help
	[ $status -eq 0 ] || complain "$1 --help: exit $status"
	[ -z "$err" ] || complain "$1 --help: on stderr '$err'"
}

# tool NAME PROGRAM STATUS: one that people call; its status for wrong usage
tool()
{
	local name=$1 program=$2 wrong=$3 o shown

	words "$name" "$program"
	head -n 1 <<<"$out" | grep -q "^usage: $name " ||
	    complain "$name --help does not begin with its usage"
	# the commands and what explains the words above, then the options
	shown=$(manual "$name")
	for o in $(options <<<"$out"); do
		options <<<"$shown" | grep -qxF -- "$o" ||
		    complain "$o of $name --help is not in its manual"
	done
	while read -r o; do
		grep -qw -- "$o" <<<"$shown" ||
		    complain "$o of $name --help is not in its manual"
	done < <(sed -nE 's/^  ([a-z]+)( .*|$)/\1/p' <<<"$out")
	for o in --no-such-option -%; do
		run "$program" "$o"
		[ $status -eq "$wrong" ] ||
		    complain "$name $o: exit $status, not $wrong"
		[ -z "$out" ] || complain "$name $o: on stdout '$out'"
		[ -n "$err" ] || complain "$name $o: no word about it"
	done
}

# helper NAME PROGRAM: one that people do not call
helper()
{
	words "$1" "$2"
	grep -q "^$1 is a part of certlogin" <<<"$out" ||
	    complain "$1 --help says '$out'"
	run "$2" --no-such-option
	[ $status -ne 0 ] && [ -n "$err" ] ||
	    complain "$1 by hand: exit $status, says '$err'"
}

rc=0 seen=0
for program in "$BUILD"/inst/bin/* "$BUILD"/inst/sbin/*; do
	name=$(basename "$program")
	case $name in
	# 1 to 127 and 128 + n are of the command that it runs
	certlogin) tool "$name" "$program" 255 ;;
	*) tool "$name" "$program" 2 ;;
	esac
	seen=$((seen + 1))
done
for program in "$BUILD"/inst/libexec/certlogin/*; do
	[ -f "$program" ] || continue
	helper "$(basename "$program")" "$program"
	seen=$((seen + 1))
done
[ $seen -ge 10 ] || complain "only $seen programs are installed"
exit $rc
