# shellcheck shell=bash
# A folder of helpers with a liar among them.  Needs realm.sh.
#
#	liar_make NAME PROGRAM	$R/helpers, where PROGRAM of tests/tools is
#				certlogin-NAME
#	lie WORD…		its lie from now on; honest: none
#	why_says REGEX		`certloginctl why` about the last refusal

liar_make()
{
	need_tool "$2"
	mkdir -p "$R/helpers"
	cp "$BUILD"/inst/libexec/certlogin/certlogin-* "$R/helpers"
	mv "$R/helpers/certlogin-$1" "$R/helpers/certlogin-$1.real"
	cp "$BUILD/tests/tools/$2" "$R/helpers/certlogin-$1"
	set_conf helpers "$R/helpers"
	lie honest
}

need_tool()
{
	[ -x "$BUILD/tests/tools/$1" ] || {
		echo "tests/tools/$1 is not built"
		exit 77
	}
}

# replaced as a whole: a helper may be reading it
lie()
{
	echo "$*" >"$R/helpers/lie.new"
	mv "$R/helpers/lie.new" "$R/helpers/lie"
}

# the log's last refusal, or the one that the client names
last_reference()
{
	log_since | sed -n 's/.*refused: .* reference=\([0-9]*\):.*/\1/p' |
	    tail -n 1
}

why_says()
{
	local number

	number=$(last_reference)
	[ -n "$number" ] || give_up "no refusal with a number in the log"
	control why "$number" >"$R/why" ||
	    give_up "certloginctl why $number: exit $?"
	grep -qE -- "$1" "$R/why" ||
	    give_up "why does not say '$1': $(cat "$R/why")"
}

# caught WHO ACCOUNT CLIENT LOG: refused, both reasons, and the story kept
caught()
{
	refused "$@"
	why_says "$4"
}

# What a lie may not do whatever else it does: no process of the account
# was begun, and honest logins go on.
nothing_happened()
{
	[ "$1" = root ] || ! pgrep -u "$1" >/dev/null 2>&1 ||
	    give_up "something runs as $1"
	lie honest
	admitted alice alice
}
