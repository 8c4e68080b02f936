#!/bin/bash
# Every page of docs/ has a test that runs it, and no link of a page leads
# nowhere.
set -eu

cd "$SRC"
rc=0
for page in docs/*.md; do
	name=${page#docs/}
	grep -q "^pages .*\b$name\$" "tests/system/docs-${name%.md}.sh" || {
		echo "no test runs $page"
		rc=1
	}
done
for page in ./*.md docs/*.md; do
	while read -r link; do
		[ -e "${page%/*}/${link%%#*}" ] || {
			echo "$page: nothing at $link"
			rc=1
		}
	done < <(grep -oP '\]\(\K[^)]+' "$page" | grep -v '^https\?:\|^#')
done
exit $rc
