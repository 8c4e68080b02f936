# shellcheck shell=bash
# Completion of certlogin, certlogin-ca, certlogin-map and certloginctl for
# bash; installed once for each.

@TABLE@

# _certlogin_row PROGRAM COMMAND: its row
_certlogin_row()
{
	_certlogin_table "$1" | while read -r name row; do
		[ "$name" != "$2" ] || echo "$row"
	done
}

# _certlogin_kind OPTION ROW…: of its value; false: it takes none
_certlogin_kind()
{
	local word option=$1

	shift
	for word in "$@"; do
		case $word in
		"$option="*)
			echo "${word#*=}"
			return 0
			;;
		esac
	done
	return 1
}

# _certlogin_offer KIND: what may stand there
_certlogin_offer()
{
	case $1 in
	'') ;;
	account) mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
	dir)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		;;
	file)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	host) mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur") ;;
	*)
		[ "$1" != setting ] || compopt -o nospace 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -W \
		    "$(_certlogin_words "$1" "$trust" | xargs)" -- "$cur")
		;;
	esac
}

_certlogin()
{
	local cur=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]##*/}
	local command='' trust='' option='' kind i word
	local -a all row

	COMPREPLY=()
	read -r -a all < <(_certlogin_row "$program" -)
	row=("${all[@]}")
	# what stands before: the command, an option that wants a value
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [ "$word" = = ]; then
			continue
		elif [ -n "$option" ]; then
			[ "$option" != --trust ] || trust=$word
			option=''
		elif _certlogin_kind "$word" "${row[@]}" >/dev/null; then
			option=$word
		elif [ -z "$command" ] && [[ $word != -* ]] &&
		    [[ " $(_certlogin_table "$program" | cut -d' ' -f1 |
		    xargs) " == *" $word "* ]]; then
			command=$word
			read -r -a row < <(_certlogin_row "$program" "$word")
			row+=("${all[@]}")
		fi
	done
	if [ -n "$option" ]; then
		[ "$cur" != = ] || cur=''
		kind=$(_certlogin_kind "$option" "${row[@]}")
		_certlogin_offer "$kind"
	elif [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(for word in "${row[@]}"; do
			[[ $word == @* ]] || printf '%s\n' "${word%%=*}"
		done | grep -e "^$cur")
	elif kind=$(printf '%s\n' "${row[@]}" | sed -n 's/^@//p') &&
	    [ -n "$kind" ]; then
		_certlogin_offer "$kind"
	elif [ -z "$command" ]; then
		mapfile -t COMPREPLY < <(compgen -W \
		    "$(_certlogin_table "$program" | cut -d' ' -f1 |
		    grep -v '^-' | xargs)" -- "$cur")
	fi
}

complete -F _certlogin certlogin certlogin-ca certlogin-map certloginctl
