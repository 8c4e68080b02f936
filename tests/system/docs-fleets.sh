#!/bin/bash
# docs/fleets.md does what it says, word by word.
# limit: 300
set -eu
# shellcheck source=tests/lib/docs.sh
. "$SRC/tests/lib/docs.sh"

pages "first-hour.md@## Alice has a card" fleets.md
