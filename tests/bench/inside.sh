# shellcheck shell=bash
# What the benchmarks of one machine share: a release build of this tree in
# build-bench/, and namespaces of their own for the measuring part.

SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-$SRC/build-bench}
export SRC BUILD LC_ALL=C
# shellcheck source=tests/lib/packages.sh
. "$SRC/tests/lib/packages.sh"

fail()
{
	echo "bench: $*" >&2
	exit 3
}

# bench_build PACKAGE…: with what the measuring part needs besides
bench_build()
{
	local missing

	[ "$(id -u)" -eq 0 ] || fail "needs root"
	mapfile -t missing < <(missing_packages "${BUILD_PACKAGES[@]}" \
	    "${FETCH_PACKAGES[@]}" "$@")
	[ ${#missing[@]} -eq 0 ] ||
	    install_packages "${missing[@]}" >/dev/null ||
	    fail "cannot install ${missing[*]}"
	[ -x "$SRC/configure" ] || (cd "$SRC" && autoreconf -fi) ||
	    fail autoreconf
	mkdir -p "$BUILD" && cd "$BUILD" || fail "$BUILD"
	[ -e config.status ] || "$SRC/configure" --quiet CFLAGS=-O2 \
	    "--prefix=$BUILD/inst" || fail configure
	make -s -j"$(nproc)" all >/dev/null && make -s install >/dev/null ||
	    fail "the build"
}

bench_end()
{
	rm -rf --one-file-system "$TMPDIR"
}

# bench_inside SCRIPT: its exit status; an hour at most.  In memory: what is
# written for each run must not wait for what the disk still does for the one
# before.
bench_inside()
{
	local rc=0

	TMPDIR=$(mktemp -d /tmp/certlogin-bench.XXXXXX) || fail mktemp
	trap bench_end EXIT
	trap 'exit 3' HUP INT TERM
	chmod 0755 "$TMPDIR"
	export TMPDIR
	# the inner shell is the one that expands them
	# shellcheck disable=SC2016
	unshare --mount --pid --fork --kill-child --mount-proc --net --ipc \
	    --uts bash -c 'mount -t tmpfs -o mode=0755 tmpfs "$TMPDIR" &&
	    exec "$@"' bash "$SRC/tests/lib/isolate" 3600 "$1" || rc=$?
	case $rc in
	0|1) return $rc ;;
	*) fail "ended with $rc" ;;
	esac
}
