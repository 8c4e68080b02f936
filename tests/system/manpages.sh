#!/bin/bash
# Man pages are clean, and every program and configuration file has one.
set -eu
cd "$SRC/man"

rc=0
for page in *.[1-8]; do
	mandoc -T lint -W warning "$page" || rc=1
done
while read -r program; do
	name=$(basename "$program" .so)
	if ! ls "$name".[18] >/dev/null 2>&1; then
		echo "$program is installed without a man page"
		rc=1
	fi
done < <(find "$BUILD"/inst/bin "$BUILD"/inst/sbin "$BUILD"/inst/libexec \
    "$BUILD"/inst/lib/security -type f -executable)
for file in certlogind.conf trust.conf identity.map pam_certlogin.conf; do
	if ! ls -- *"$file".5 >/dev/null 2>&1; then
		echo "$file has no man page"
		rc=1
	fi
done
for page in *.[1-8]; do
	find "$BUILD/inst/share/man" -name "$page" | grep -q . || {
		echo "$page is not installed"
		rc=1
	}
done
exit $rc
