#!/bin/bash
# docs/other-ca.md does what it says, word by word.
# limit: 300
set -eu
# shellcheck source=tests/lib/docs.sh
. "$SRC/tests/lib/docs.sh"

pages "first-hour.md@## Alice has a card" other-ca.md
