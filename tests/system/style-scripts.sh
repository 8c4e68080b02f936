#!/bin/bash
# Every shell script is clean under shellcheck.
# limit: 300
set -eu

command -v shellcheck >/dev/null || {
	echo "shellcheck is missing"
	exit 77
}
cd "$SRC"
mapfile -t scripts < <(find check quickstart .ci/run tests etc pam \
    -type f ! -path '*/corpus/*' 2>/dev/null |
    while read -r f; do
	case $(head -c 14 "$f" | tr -d '\0' | head -n 1) in
	'#!/bin/bash'*|'#!/bin/sh'*|'# shellcheck '*) echo "$f" ;;
	esac
    done | sort -u)
[ ${#scripts[@]} -ge 5 ]
shellcheck -x "${scripts[@]}"
