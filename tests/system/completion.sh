#!/bin/bash
# Completion for bash and zsh offers what the programs take: commands and
# options as --help and the programs have them, authorities, accounts, words.
set -eu

PATH=$BUILD/inst/bin:$BUILD/inst/sbin:$PATH
BASH_FILES=$BUILD/inst/share/bash-completion/completions
ZSH_FILE=$BUILD/inst/share/zsh/site-functions/_certlogin
rc=0 seen=0

complain()
{
	echo "$*"
	rc=1
}

# offered WORD…: what bash completes the last word to, one a line
offered()
{
	# shellcheck disable=SC2016
	bash --norc -c '
		. "$1"
		shift
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		_certlogin
		[ ${#COMPREPLY[@]} -eq 0 ] || printf "%s\n" "${COMPREPLY[@]}"
	' bash "$BASH_FILES/$1" "$@" 2>&1 | sort
}

# zsh_offered WORD…: the same by zsh
zsh_offered()
{
	# shellcheck disable=SC2016
	zsh -f -c '
		compadd() {
			while [[ ${1-} == -* && $1 != -- ]]; do
				[[ $1 != -S ]] || shift
				shift
			done
			[[ ${1-} != -- ]] || shift
			local w
			for w in "$@"; do
				[[ $w != ${words[CURRENT]}* ]] || print -r -- $w
			done
		}
		_message() { : }
		_users() { compadd -- ${(f)"$(cut -d: -f1 /etc/passwd)"} }
		_files() { print -r -- "(files $*)" }
		_hosts() { print -r -- "(hosts)" }
		file=$1
		shift
		words=("$@")
		CURRENT=$#
		. $file
	' zsh "$ZSH_FILE" "$@" 2>&1 | sort
}

# same TEXT GOT WANTED
same()
{
	[ "$2" = "$3" ] ||
	    complain "$1: $(diff <(echo "$2") <(echo "$3") | grep '^[<>]' |
	    xargs)"
	seen=$((seen + 1))
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

commands()
{
	"$1" --help | sed -nE 's/^  ([a-z][a-z-]*)( .*|$)/\1/p' | sort -u
}

# takes PROGRAM COMMAND OPTION: the program does; what else is wrong with such
# a line is told apart
takes()
{
	local text

	text=$(timeout 10 "$1" "$2" "$3" 1 2>&1 </dev/null || :)
	! grep -qF -- "does not take $3;" <<<"$text"
}

# value or flag
kind_of()
{
	if "$1" "$3" 2>&1 </dev/null | grep -q "its value is missing"; then
		echo value
	else
		echo flag
	fi
}

for program in certlogin certlogin-ca certlogin-map certloginctl; do
	command -v $program >/dev/null || continue
	echo "$program"
	bash -n "$BASH_FILES/$program" || complain "bash -n"
	if [ $program != certlogin ]; then
		same "commands" "$(offered $program '')" "$(commands $program)"
	fi
	all=$({
		offered $program -
		for c in $(offered $program ''); do
			[ $program = certlogin ] || offered $program "$c" -
		done
	} | sort -u)
	same "options" "$all" "$($program --help | options)"
	[ $program != certlogin ] || continue
	global=$(offered $program -)
	for c in $(offered $program ''); do
		mine=$(offered $program "$c" -)
		for o in $all; do
			grep -qxF -- "$o" <<<"$global" && continue
			if takes $program "$c" "$o"; then
				grep -qxF -- "$o" <<<"$mine" ||
				    complain "$c takes $o"
			else
				! grep -qxF -- "$o" <<<"$mine" ||
				    complain "$c does not take $o"
			fi
			seen=$((seen + 1))
		done
	done
done

echo "options that want a value get one, others do not"
for program in certlogin-ca certlogin-map certloginctl; do
	command -v $program >/dev/null || continue
	# shellcheck disable=SC2016
	table=$(bash --norc -c '. "$1"; _certlogin_table "$2"' bash \
	    "$BASH_FILES/$program" $program)
	for o in $(tr ' ' '\n' <<<"$table" | grep '^--' | sort -u); do
		case $o in
		*=*) want=value ;;
		*) want=flag ;;
		esac
		same "$program $o" "$(kind_of $program x "${o%%=*}")" $want
	done
done

echo "values"
cd "$TMPDIR"
mkdir folder
: >file
printf '# x\n[authority staff]\nclass = user\n [authority fleet-2]\n' \
    >trust.conf
echo 'zebra:x:42001:42001::/:/bin/sh' >>/etc/passwd
same class "$(offered certlogin-ca issue '')" \
    "$(printf 'device\nhost\nuser')"
same key "$(offered certlogin-ca issue user a --key-type e)" ed25519
same after "$(offered certlogin-ca --dir x issue -- --key-type p)" p256
if command -v certlogin-map >/dev/null; then
	same authority "$(offered certlogin-map --trust trust.conf list \
	    --authority '')" "$(printf 'fleet-2\nstaff')"
	same authority "$(offered certlogin-map list --trust trust.conf \
	    --authority s)" staff
	same authority "$(offered certloginctl lock --trust trust.conf '')" \
	    "$(printf 'fleet-2\nstaff')"
	same account "$(offered certlogin-map who zeb)" zebra
	same account "$(offered certlogin-map test --account zeb)" zebra
	same 'with =' "$(offered certlogin-map test --account = zeb)" zebra
	same file "$(offered certlogin-map --map f)" "$(printf 'file\nfolder')"
	same folder "$(offered certlogin-map check --state-dir f)" folder
	same rule "$(offered certlogin-map add '')" ''
	# the names that the program has
	same checks "$(offered certlogin-map verify --skip '')" "$(sed -nE \
	    's/^\t\[VERIFY_[A-Z_]+\] = \{ "([a-z-]+)".*/\1/p' \
	    "$SRC/src/x509/verify.c" | grep -vxE 'form|path' | sort)"
fi
same host "$(offered certlogin -p 22 '' | grep -c .)" \
    "$(bash --norc -c 'compgen -A hostname' | sort -u | grep -c .)"
same settings "$(offered certlogin -o '')" \
    "$(sed -nE '/^\.Sh DESCRIPTION/,/^\.Sh /s/^\.It Cm ([a-z-]+)$/\1=/p' \
    "$SRC/man/certlogin.conf.5" | sort)"
same reasons "$(offered certlogin-ca revoke --reason '')" \
    "$(sed -nE 's/^\t\{ [0-9]+, "([A-Za-z]+)" \},$/\1/p' \
    "$SRC/src/ca/words.c" | sort)"

command -v zsh >/dev/null || {
	[ $rc -eq 0 ] || exit $rc
	echo "zsh is not there"
	exit 77
}
echo "zsh offers what bash does"
zsh -n "$ZSH_FILE" || complain "zsh -n"
lines=0
while read -r -a line; do
	line=("${line[@]/%''/}")
	line=("${line[@]/#_/}")
	same "zsh ${line[*]}" "$(zsh_offered "${line[@]}")" \
	    "$(offered "${line[@]}")"
	lines=$((lines + 1))
done <<'END'
certlogin -
certlogin -o _
certlogin -l zeb
certlogin-ca _
certlogin-ca i
certlogin-ca -
certlogin-ca issue -
certlogin-ca issue _
certlogin-ca issue user x --key-type _
certlogin-ca revoke --reason _
certlogin-map _
certlogin-map --
certlogin-map add --
certlogin-map edit --
certlogin-map --trust trust.conf list --authority _
certlogin-map test --account zeb
certlogin-map who zeb
certlogin-map verify --skip _
certloginctl _
certloginctl end --
certloginctl -f x sessions --
certloginctl unlock --trust trust.conf _
certloginctl fetch-crls --trust trust.conf f
END
[ $lines -gt 20 ] || complain "only $lines lines"
same 'zsh files' "$(zsh_offered certlogin-map --map '')" '(files )'
same 'zsh folders' "$(zsh_offered certlogin-map check --state-dir '')" \
    '(files -/)'

echo "typed at a terminal"
# typed SHELL SETUP: what a line becomes when Tab is typed in a real shell
typed()
{
	python3 - "$@" <<-'END'
	import os, pty, re, select, sys, time
	shell, setup = sys.argv[1:]
	pid, fd = pty.fork()
	if pid == 0:
	    os.environ["TERM"] = "dumb"
	    os.execvp(shell, [shell, "-f" if shell == "zsh" else "--norc",
	        "-i"])
	seen = b""
	def until(text):
	    global seen
	    end = time.time() + 20
	    while not re.search(text, seen):
	        if time.time() > end or not select.select([fd], [], [], 20)[0]:
	            sys.exit("no %r in %r" % (text, seen))
	        seen += os.read(fd, 4096)
	os.write(fd, setup.encode() + b"; echo rea''dy\n")
	until(rb"ready")
	# echo shows the completed line; the word is not typed whole
	os.write(fd, b"certlogin-map edi\t --dr\t >/dev/null; echo o''ver\n")
	until(rb"over")
	os.write(fd, b"exit\n")
	print(re.search(rb"edit[ \x08]+--dry-run[ \x08]+>", seen) and "completed" or seen)
	END
}
if command -v certlogin-map >/dev/null; then
	same bash "$(typed bash ". '$BASH_FILES/certlogin-map'")" completed
	same zsh "$(typed zsh "fpath=('$(dirname "$ZSH_FILE")' \$fpath)
	autoload -U compinit; compinit -u -D")" completed
fi
[ $seen -gt 200 ] || complain "only $seen things were looked at"
exit $rc
