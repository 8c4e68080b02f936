#!/bin/bash
# docs/from-ssh.md does what it says, word by word; its letters and options of
# ssh are all that the client knows, and are taken, ignored or refused as there.
# limit: 300
set -eu
# shellcheck source=tests/lib/docs.sh
. "$SRC/tests/lib/docs.sh"

PAGE=$SRC/docs/from-ssh.md

# client STATUS ARGUMENT…: what certlogin says to these arguments
client_says()
{
	local status=$1

	shift
	rc=0
	certlogin -F /dev/null "$@" >"$R/out" 2>&1 || rc=$?
	[ $rc -eq "$status" ] ||
	    give_up "certlogin $*: exit $rc, $(head -n 1 "$R/out")"
}

letters()
{
	local row words count=0

	while read -r row; do
		read -ra words <<<"$(cut -d'`' -f2 <<<"$row")"
		case ${words[0]} in
		-o) words=(-o port=1) ;;
		-F) words=(-F /dev/null) ;;
		esac
		case $row in
		*'| refused'*)
			client_says 255 -G "${words[@]}" host
			grep -q 'is refused' "$R/out" ||
			    give_up "${words[*]}: $(cat "$R/out")" ;;
		*)	client_says 0 -G "${words[@]}" host sftp ;;
		esac
		count=$((count + 1))
	done < <(grep '^| `-' "$PAGE")
	[ $count -gt 35 ] || give_up "only $count letters"
}

# option NAME CELL: as the cell of the page says
option()
{
	local word words

	case $2 in
	'refused'*) client_says 255 -G -o "$1=x" host ;;
	*' only'*)
		mapfile -t words < <(grep -oP '(?<=\x60)[a-z]+' <<<"$2")
		for word in "${words[@]}"; do
			client_says 0 -G -o "$1=$word" host
		done
		client_says 255 -G -o "$1=other" host
		grep -q 'is refused' "$R/out" || give_up "$1: $(cat "$R/out")" ;;
	'ignored'*) client_says 0 -G -o "$1=other" host ;;
	*)	client_says 0 -G -o "$1=$(value_of "$1")" host ;;
	esac
}

value_of()
{
	case $1 in
	Port|Server*|ConnectTimeout) echo 7 ;;
	AddressFamily) echo inet ;;
	BatchMode|StdinNull|RequestTTY) echo yes ;;
	*) echo /x ;;
	esac
}

options()
{
	local row names name

	while read -r row; do
		mapfile -t names < <(cut -d'|' -f2 <<<"$row" |
		    grep -oE '[A-Z0-9][A-Za-z0-9]+')
		for name in "${names[@]}"; do
			option "$name" "$(cut -d'|' -f3 <<<"$row" |
			    sed 's/^ //')"
			echo "$name" >>"$R/named"
		done
	done < <(sed -n '/^## Options of ssh_config/,/^## Options of sshd/p' \
	    "$PAGE" | grep '^| `')
	sed -nE 's/^\t(OURS|ANY|ONLY)\("([A-Za-z0-9]+)".*/\2/p' \
	    "$SRC/src/client/ssh.c" | sort >"$R/known"
	! comm -13 <(sort "$R/named") "$R/known" | grep . ||
	    give_up "these options are not on the page"
}

pages "first-hour.md@## sudo, in front of the machine" from-ssh.md
letters
options
