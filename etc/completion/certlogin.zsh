#compdef certlogin certlogin-ca certlogin-map certloginctl
# Completion of certlogin, certlogin-ca, certlogin-map and certloginctl for
# zsh.

@TABLE@

# _certlogin_offer KIND: what may stand there
_certlogin_offer()
{
	case $1 in
	'') _message 'a value' ;;
	account) _users ;;
	dir) _files -/ ;;
	file) _files ;;
	host) _hosts ;;
	setting) compadd -S '' -- $(_certlogin_words $1) ;;
	*) compadd -- $(_certlogin_words $1 $trust) ;;
	esac
}

_certlogin()
{
	local program=${words[1]:t} command trust option word i
	local -a lines all row kinds
	local -A rows

	lines=("${(@f)$(_certlogin_table $program)}")
	for word in $lines; do
		rows[${word%% *}]=${word#* }
	done
	all=(${=rows[-]})
	row=($all)
	# what stands before: the command, an option that wants a value
	for ((i = 2; i < CURRENT; i++)); do
		word=${words[i]}
		if [[ -n $option ]]; then
			[[ $option != --trust ]] || trust=$word
			option=''
		elif [[ -n ${(M)row:#$word=*} ]]; then
			option=$word
		elif [[ -z $command && $word != -* && -n ${rows[$word]} ]]; then
			command=$word
			row=(${=rows[$word]} $all)
		fi
	done
	kinds=(${(M)row:#@*})
	if [[ -n $option ]]; then
		word=${${(M)row:#$option=*}[1]}
		_certlogin_offer ${word#*=}
	elif [[ ${words[CURRENT]} == -* ]]; then
		compadd -- ${${row:#@*}%%=*}
	elif (( $#kinds )); then
		_certlogin_offer ${kinds[1]#@}
	elif [[ -z $command ]]; then
		compadd -- ${(k)rows:#-}
	fi
}

_certlogin "$@"
