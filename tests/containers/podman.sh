# shellcheck shell=bash
# For the scripts here: podman apart from the host's.  Images, containers and
# networks are below the folder -b DIR; name spaces of mounts and processes
# end with the script, and take with them what podman starts and mounts.

# begin "$@": sets work, suite and words, those behind, and goes on apart
begin()
{
	work=$SRC/build-check/containers
	if [ "${1:-}" = -b ]; then
		work=${2:?-b needs a folder}
		shift 2
	fi
	suite=${1:-bookworm}
	# shellcheck disable=SC2034	# for the script
	words=("${@:2}")
	[ "$(id -u)" -eq 0 ] || {
		echo "needs root"
		exit 77
	}
	mkdir -p "$work"
	work=$(realpath "$work")
	if [ -z "${CERTLOGIN_APART:-}" ]; then
		exec 9>"$work/lock"
		flock -n 9 || {
			echo "another test uses $work"
			exit 3
		}
		CERTLOGIN_APART=1 exec unshare --mount --pid --fork \
		    --kill-child --mount-proc "$0" -b "$work" "$suite" "${words[@]}"
	fi
	settings
}

# runc, for crun wants rights to raise limits; cgroupfs, for no systemd runs
settings()
{
	local dir

	if ! mountpoint -q /dev/shm/certlogin; then
		for dir in /run /dev/shm /var/lib/containers; do
			mkdir -p $dir
			mount -t tmpfs -o mode=0755 tmpfs $dir
		done
		mkdir /dev/shm/certlogin
		mount --bind /dev/shm/certlogin /dev/shm/certlogin
	fi
	mkdir -p "$work/networks"
	cat >"$work/storage.conf" <<-END
	[storage]
	driver = "overlay"
	graphroot = "$work/graph"
	runroot = "$work/run"
	END
	cat >"$work/containers.conf" <<-END
	[containers]
	default_ulimits = [ "nofile=20000:20000", "nproc=8192:8192" ]
	[engine]
	runtime = "runc"
	cgroup_manager = "cgroupfs"
	events_logger = "file"
	compat_api_enforce_docker_hub = false
	[network]
	network_backend = "netavark"
	network_config_dir = "$work/networks"
	END
	export CONTAINERS_STORAGE_CONF=$work/storage.conf
	export CONTAINERS_CONF=$work/containers.conf
}

# image NAME FILE FOLDER [OPTION…]: build one; the network is the host's, so
# that no rule of a packet filter is made
image()
{
	local name=$1 file=$2 context=$3

	shift 3
	podman build --quiet --network host -t "$name" \
	    --build-arg "BASE=debian:$suite-slim" "$@" \
	    -f "$HERE/$file.Containerfile" "$context" >>"$LOG" 2>&1 || {
		tail -n 30 "$LOG"
		give_up "the image $name cannot be built, see $LOG"
	}
	say "image $name"
}

# what podman leaves of cgroups
cgroups_gone()
{
	local dir

	for dir in /sys/fs/cgroup/libpod_parent \
	    /sys/fs/cgroup/*/libpod_parent; do
		[ ! -d "$dir" ] ||
		    find "$dir" -depth -type d -exec rmdir {} + 2>/dev/null ||
		    true
	done
}

say()
{
	printf '%3d s  %s\n' $SECONDS "$*"
}

wait_for()
{
	local end=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}
