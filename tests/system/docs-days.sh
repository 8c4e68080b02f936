#!/bin/bash
# docs/days.md does what it says, word by word.
# limit: 300
set -eu
# shellcheck source=tests/lib/docs.sh
. "$SRC/tests/lib/docs.sh"

pages "first-hour.md@## sudo, in front of the machine" days.md
