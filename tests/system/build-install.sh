#!/bin/bash
# make install honours DESTDIR, and uninstall takes everything back.
set -eu
cd "$BUILD"

to=$TMPDIR/dest
make -s install DESTDIR="$to" >"$TMPDIR/log" 2>&1 || {
	cat "$TMPDIR/log"
	exit 1
}
prefix=$(sed -n 's/^prefix = //p' Makefile)
if [ "$(ls -A "$to")" != "$(echo "$prefix" | cut -d/ -f2)" ]; then
	echo "installed beside the prefix:"
	ls -A "$to"
	exit 1
fi
[ "$(find "$to" -type f | wc -l)" -gt 0 ]
unsafe=$(find "$to" -type f -perm /6022)
if [ -n "$unsafe" ]; then
	echo "set-id or writable by others: $unsafe"
	exit 1
fi
if find "$to" -name pam_certlogin.so | grep -q .; then
	# what ./configure --with-pamdir sets
	make -s install DESTDIR="$to" pamdir=/elsewhere >"$TMPDIR/log" 2>&1
	[ -e "$to/elsewhere/pam_certlogin.so" ] || {
		echo "the PAM module is not in pamdir"
		exit 1
	}
	make -s uninstall DESTDIR="$to" pamdir=/elsewhere \
	    >"$TMPDIR/log" 2>&1
	[ ! -e "$to/elsewhere/pam_certlogin.so" ] || {
		echo "uninstall leaves the PAM module in pamdir"
		exit 1
	}
fi
if [ -n "$(find "$to" -path '*/lib/certlogin/locks.map')" ]; then
	echo "a package would hold the file of locks, and empty it"
	exit 1
fi
make -s uninstall DESTDIR="$to" >"$TMPDIR/log" 2>&1
left=$(find "$to" ! -type d)
if [ -n "$left" ]; then
	echo "uninstall leaves $left"
	exit 1
fi

# the file of locks is made once, kept as it is, and goes only if it is empty
own=$TMPDIR/own locks=$TMPDIR/own/var/lib/certlogin/locks.map
try()
{
	make -s "$1" prefix="$own" pamdir="$own/pam" >"$TMPDIR/log" 2>&1 || {
		cat "$TMPDIR/log"
		exit 1
	}
}
try install
if [ "$(stat -c '%a %s' "$locks")" != '644 0' ]; then
	echo "$locks: expected mode 644 and nothing in it"
	exit 1
fi
echo 'deny user staff serial=01' >"$locks"
try install
try uninstall
grep -q serial=01 "$locks" || {
	echo "locks were lost"
	exit 1
}
: >"$locks"
try uninstall
[ ! -e "$locks" ] || {
	echo "uninstall leaves an empty $locks"
	exit 1
}
