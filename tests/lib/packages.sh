# shellcheck shell=bash disable=SC2034
# Debian packages that building and testing need, and how to get them.

# for ./configure && make with everything on but --enable-fetch
BUILD_PACKAGES=(gcc libc6-dev make autoconf automake pkg-config
	libgnutls28-dev libev-dev libpam0g-dev libseccomp-dev libcdb-dev
	libsqlite3-dev libtasn1-6-dev libtasn1-bin libp11-kit-dev
	libsystemd-dev)
# for certlogin-fetch, which quickstart leaves out; either will do
FETCH_PACKAGES=('libcurl4-gnutls-dev|libcurl4-openssl-dev')
# for the tests on top of that
TEST_PACKAGES=(check valgrind clang libclang-rt-dev shellcheck mandoc
	gnutls-bin openssl softhsm2 opensc iproute2 procps util-linux binutils
	rsync git openssh-client openssh-sftp-server pamtester sudo
	pcscd vsmartcard-vpcd opensc-pkcs11 swtpm tpm2-tools tpm2-abrmd
	libtpm2-pkcs11-1 libtpm2-pkcs11-tools
	'libtss2-tcti-swtpm0|libtss2-tcti-swtpm0t64'
	libtss2-tcti-tabrmd0 dbus-daemon
	mmdebstrap xz-utils python3 zsh tmux bsdextrautils)

# for tests/containers
CONTAINER_PACKAGES=(podman buildah runc netavark aardvark-dns iptables
	catatonit slirp4netns podman-compose mmdebstrap lintian)

# daemons for tests/system/pam-daemons.sh: downloaded and unpacked, for
# installing them would start them
UNPACKED_PACKAGES=(openssh-server cron)

# on top of the smallest Debian and what building needs, for
# tests/system/readme-pam.sh: what a machine has on which README is followed
ROOTFS_PACKAGES=(systemd sudo login passwd util-linux openssl softhsm2 opensc
	pcscd opensc-pkcs11)

# missing_packages PACKAGE…: those that are not installed, one a line; of A|B
# the first, if neither is
missing_packages()
{
	local p

	for p in "$@"; do
		# shellcheck disable=SC2086	# each of them
		dpkg-query -W -f='${db:Status-Status}\n' ${p//|/ } \
		    2>/dev/null | grep -qx installed || echo "${p%%|*}"
	done
}

# install_packages PACKAGE…: by apt, as root
install_packages()
{
	local apt=(apt-get -q -o DPkg::Lock::Timeout=300)

	DEBIAN_FRONTEND=noninteractive "${apt[@]}" update &&
	DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y \
	    --no-install-recommends "$@"
}

# download_packages DIR PACKAGE…: these and what they lack here, as root
download_packages()
{
	local dir=$1 apt

	shift
	apt=(apt-get -q -o DPkg::Lock::Timeout=300
	    -o "Dir::Cache::archives=$dir")
	mkdir -p "$dir/partial" && "${apt[@]}" update &&
	"${apt[@]}" install -y --download-only --no-install-recommends "$@"
}

# make_rootfs DIR: a fresh Debian with these packages, as root; a minute or two,
# once.  Of this machine's release, or of the one that README is about.
make_rootfs()
{
	local dir=$1 packages release

	# shellcheck source=/dev/null
	release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	[ "$release" = trixie ] || release=bookworm
	# of a choice (a|b) the first
	packages=$(printf '%s\n' "${BUILD_PACKAGES[@]}" "${FETCH_PACKAGES[@]}" \
	    "${ROOTFS_PACKAGES[@]}" | sed 's/|.*//' | paste -sd, -)
	packages=$release,$packages
	[ "$(cat "$dir.packages" 2>/dev/null)" != "$packages" ] || return 0
	rm -rf --one-file-system "$dir" "$dir.packages"
	mmdebstrap --quiet --variant=minbase --include="${packages#*,}" \
	    "$release" "$dir" && echo "$packages" >"$dir.packages"
}
