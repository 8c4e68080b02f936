#!/bin/bash
# PROTOCOL.md names every message and limit of the headers, with its number.
set -eu
export LC_ALL=C
doc=$SRC/PROTOCOL.md
rc=0

# members HEADER ENUM PREFIX: NUMBER NAME of `PREFIX_NAME = NUMBER,` in it
members()
{
	awk -v begin="^enum $2 " -v prefix="$3_" '
	    $0 ~ begin { on = 1 }
	    on && match($0, prefix "[A-Z0-9_]+ = [0-9]+") {
		split(substr($0, RSTART, RLENGTH), a, " = ")
		sub(prefix, "", a[1])
		print a[2], a[1]
	    }
	    on && /}/ { exit }' "$SRC/src/$1"
}

# defined HEADER NAME: the value of `#define NAME`
defined()
{
	local value

	value=$(sed -nE "s/^#define $2 ([^/]*[^ 	\/]).*/\\1/p" "$SRC/src/$1" |
	    tr -d '\tu')
	echo $((value))
}

# same WHAT EXPECTED FOUND: two lists of `NUMBER NAME`
same()
{
	if [ -z "$2" ]; then
		echo "$1: nothing found in the header"
		rc=1
	elif [ "$2" != "$3" ]; then
		echo "$1: header (<) and PROTOCOL.md (>) differ:"
		diff <(echo "$2") <(echo "$3") | grep '^[<>]' || true
		rc=1
	fi
}

# part FROM TO: the lines of PROTOCOL.md between two headings
part()
{
	sed -n "/^$1\$/,/^$2\$/p" "$doc"
}

# rows: NUMBER NAME of the tables `| NUMBER | NAME |` on stdin, by number
rows()
{
	sed -nE 's/^\| ([0-9]+) \| ([A-Z0-9_]+) \|.*/\1 \2/p' | sort -n
}

# ---- messages -------------------------------------------------------------
# frame_name() has the names that travel in texts; frame.c holds numbers' names
frames=$(sed -nE 's/^	\{ (FRAME_[A-Z_]+), .*"([A-Z_]+)" \},/\1 \2/p' \
    "$SRC/src/proto/frame.c")
expected=$(while read -r constant name; do
	number=$(sed -nE "s/^	$constant = ([0-9]+),/\\1/p" \
	    "$SRC/src/proto/frame.h")
	echo "$number $name"
done <<<"$frames" | sort -n)
same "frames" "$expected" "$(part '## Frames' '## Login' | rows)"
same "frame_type" "$(members proto/frame.h frame_type FRAME | cut -d' ' -f1)" \
    "$(cut -d' ' -f1 <<<"$expected")"

ipc=$(part '# Part two: between our processes' \
    '## certlogind and certloginctl' | rows)
same "ipc_type" "$(members proto/ipc.h ipc_type IPC | sort -n)" "$ipc"
same "ctlmsg_type" \
    "$(members proto/ctlmsg.h ctlmsg_type CTLMSG | sed 's/ / CTLMSG_/')" \
    "$(part '## certlogind and certloginctl' '## Between versions' | rows)"
same "hello_type" "$(members proto/hello.h hello_type HELLO |
    sed 's/ / HELLO_/')" "$(part '## Between versions' \
    '## certlogin-p11 and the program that started it' | rows)"
same "p11_type" "$(members cred/p11msg.h p11_type P11 | sed 's/ / P11_/')" \
    "$(sed -n '/^## certlogin-p11/,$p' "$doc" | rows)"

# ---- names of kinds and requests ---------------------------------------------
while read -r name; do
	grep -qF "\`$name\`" "$doc" || {
		echo "$name of src/proto/msg.c is not in PROTOCOL.md"
		rc=1
	}
done < <(sed -nE 's/^	\[MSG_[A-Z_]+\] = "([^"]+)",/\1/p' \
    "$SRC/src/proto/msg.c")

# each violation's name, as conn.c writes it
while read -r name; do
	grep -qF "\`$name\`" "$doc" || {
		echo "violation $name is not in PROTOCOL.md"
		rc=1
	}
done < <(grep -ohE '"[a-z]+(-[a-z]+)*: ' "$SRC/src/proto/conn.c" |
    tr -d '": ' | sort -u)

# ---- limits -------------------------------------------------------------------
# limit HEADER NAME LESS TEXT: TEXT with the value for @ (less LESS: a text's
# limit counts its NUL) is in PROTOCOL.md
limit()
{
	local n text

	n=$(($(defined "$1" "$2") - $3))
	text=${4/@/$(printf "%d" "$n" | sed -E ':a;s/^([0-9]+)([0-9]{3})/\1,\2/;ta')}
	grep -qF -- "$text" <(tr '\n' ' ' <"$doc") || {
		echo "$2: expected '$text' in PROTOCOL.md"
		rc=1
	}
}

limit proto/frame.h FRAME_MAX 0 'at most @ after it'
limit proto/frame.h FRAME_LOGIN_MAX 0 'at most @ bytes before'
limit proto/conn.h CONN_WINDOW 0 'window of @ bytes each way'
limit proto/conn.h CONN_WINDOW_TOTAL 0 'stay within @ bytes'
limit proto/conn.h CONN_CHANNELS 0 'over @ open at once'
limit proto/conn.h CONN_ENTRIES 0 '@ entries, refused ones included'
limit proto/conn.h CONN_OUT_MAX 0 '(@ bytes)'
limit proto/conn.h CONN_OUT_PAUSE 0 'output over @ bytes'
limit proto/msg.h MSG_ACCOUNT_MAX 1 'text account (@, may be empty)'
limit proto/msg.h MSG_IDENTITY_MAX 1 'text identity (@)'
limit proto/msg.h MSG_TEXT_MAX 1 'text reason (@)'
limit proto/msg.h MSG_BANNER_MAX 1 'text (@): what PAM says'
limit proto/msg.h MSG_NAME_MAX 1 'text kind (@)'
limit proto/msg.h MSG_PATH_MAX 1 'text path (@)'
limit proto/msg.h MSG_TERM_MAX 1 'text TERM (@)'
limit proto/msg.h MSG_MODES_MAX 0 'string modes (@)'
limit proto/msg.h MSG_ENV_NAME_MAX 1 'text name (@); text value'
limit proto/chan.h CHAN_MSG_MAX 0 'a datagram of at most @ bytes'
limit proto/ipc.h IPC_TRANSCRIPT_MAX 0 'transcript @;'
limit proto/ipc.h IPC_SIGNATURE_MAX 0 'signature @;'
limit proto/ipc.h IPC_CERT_MAX 0 'certificate @,'
limit proto/ipc.h IPC_COMMAND_MAX 1 'command @;'
limit proto/ipc.h IPC_START_MAX 0 'opaque start bytes @.'
limit proto/ipc.h IPC_LOAD_FILES_MAX 0 'uint32 n (@); n times text path (255)'
limit proto/ipc.h IPC_LOAD_FILE_MAX 0 'at most @ bytes'
limit proto/crlmsg.h CRLMSG_URL_MAX 1 'URL or path (@)'
limit proto/crlmsg.h CRLMSG_SECONDS_MAX 0 'uint32 seconds (1-3600)'
limit proto/ipc.h IPC_LOAD_AUTHORITIES_MAX 0 'uint32 n (@), n *authority*'
limit proto/ipc.h IPC_LOAD_ENDING_MAX 0 'uint32 n (@), n times uint32 line'
limit proto/ipc.h IPC_LOAD_SEEN_MAX 0 'uint32 n (@), n *seen*'
limit proto/ipc.h IPC_SOURCES_MAX 0 'uint32 n (@), n *source*'
limit proto/ipc.h IPC_PRIVILEGED_MAX 0 'uint32 n (@), n texts: privileged'
limit proto/ipc.h IPC_ENV_MAX 0 'uint32 n (@), n strings NAME=VALUE'
limit proto/ctlmsg.h CTLMSG_TEXT_MAX 1 'text error (@)'
limit proto/hello.h HELLO_TEXT_MAX 1 'text for the person (@)'
limit proto/hello.h HELLO_IDENTITY_MAX 1 'identity (@), address (63)'
limit proto/ctlmsg.h CTLMSG_PIDS_MAX 0 'uint32 n (@), n uint32 pids'
limit cred/p11msg.h P11_PIN_MAX 0 'string PIN (@)'
limit cred/p11msg.h P11_DATA_MAX 0 'what is signed (@)'
limit cred/p11msg.h P11_CERTS_MAX 0 '(at most @)'
limit x509/tls.h TLS_HANDSHAKE_MAX 0 '@ bytes at most; all of them'
limit x509/tls.h TLS_TRANSCRIPT_MAX 0 'all of them together @'
exit $rc
