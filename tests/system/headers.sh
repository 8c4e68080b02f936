#!/bin/bash
# Each header compiles alone, and includes point downwards only.
set -eu
cd "$SRC/src"

rc=0
while read -r header; do
	# shellcheck disable=SC2046	# flags, apart
	gcc -std=c11 -D_GNU_SOURCE -include "$BUILD/config.h" -I. -Wall \
	    $(pkg-config --cflags gnutls p11-kit-1) -Wextra -Werror \
	    -fsyntax-only -x c - <<-END || rc=1
	#include "$header"
	int headers_alone;
	END
done < <(find . -name '*.h' | sed 's|^\./||')

# The order of the convenience libraries; whatever is not named is above.
level()
{
	case $1 in
	base) echo 0 ;;
	proto) echo 1 ;;
	x509) echo 2 ;;
	idmap) echo 3 ;;
	cred) echo 4 ;;
	door) echo 5 ;;
	*) echo 9 ;;
	esac
}

while IFS=: read -r file include; do
	from=${file%%/*} to=${include%%/*}
	[ "$from" != "$to" ] || continue
	if [ "$(level "$to")" -gt "$(level "$from")" ] ||
	    [ "$(level "$to")" -eq 9 ]; then
		echo "$file includes $include: upwards or sideways"
		rc=1
	fi
done < <(grep -roE '^#include "[a-z0-9]+/[a-z0-9_-]+\.h"' . |
    sed 's|^\./||; s|#include "||; s|"$||')
exit $rc
