# shellcheck shell=bash
# A clock that is set, for certlogind and its helpers alone: not for the
# client, nor for this host.  Needs realm.sh.
#
#	clock_begin		programs that start from now on look at it
#	clock_set HOURS		so far from the true time, also for those that
#				run since then
#	clock_end

clock_begin()
{
	install -m 0755 "$BUILD/tests/tools/shiftclock.so" /etc/
	head -c 8 /dev/zero >/etc/shiftclock
	echo /etc/shiftclock.so >/etc/ld.so.preload
}

# in its place, at once
clock_set()
{
	python3 - "$1" <<-'END'
	import struct, sys
	with open("/etc/shiftclock", "r+b", 0) as f:
	    f.write(struct.pack("=q", int(sys.argv[1]) * 3600))
	END
}

clock_end()
{
	rm -f /etc/ld.so.preload
}
