#!/bin/bash
# certlogin-map verify against public vectors of certificate chains, where
# they lie beside the source tree: no important answer is wrong, none crashes
# or hangs.
# limit: 300
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

VECTORS=${CONFORMANCE:-$SRC/../shared/conformance}
if [ ! -x "$VECTORS/run.py" ]; then
	echo "no vectors in $VECTORS: nothing to score"
	exit 0
fi
CERTLOGIN_MAP=$(command -v certlogin-map)
export CERTLOGIN_MAP

score()
{
	"$VECTORS/run.py" --verify "$1" --jobs 2 --out "$2" --quiet \
	    >"$R/score" 2>&1
}

score "$SRC/tests/conformance/adapter.sh" "$R/answers" || {
	cat "$R/score"
	awk -F'\t' '$2 == "must" && $4 != $5 || $5 ~ /^[A-Z]/' "$R/answers"
	give_up "an answer that matters is wrong"
}
n=$(wc -l <"$R/answers")
[ "$n" -ge 100 ] || give_up "only $n vectors were tried"
echo "$n vectors"

# the control: who accepts or refuses everything is found out
for answer in true false; do
	! score "$(command -v $answer)" "$R/answers" ||
	    give_up "'$answer' passes: the score says nothing"
done
