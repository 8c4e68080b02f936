#!/bin/bash
# What certlogind loaded is kept in its state folder: replaced whole at each
# load that counts, not by one that does not, and logins never depend on it.
# also-in: no-sandbox
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

STATE=$R/state

# the file of this pair of trust.conf and map
kept_file()
{
	find "$STATE" -maxdepth 1 -name 'policy-*'
}

is_kept()
{
	[ -s "$(kept_file)" ] && ! compgen -G "$STATE/.policy*" >/dev/null
}

inode()
{
	stat -c %i "$(kept_file)" 2>/dev/null || echo none
}

is_replaced()
{
	[ "$(inode)" != "$1" ] && is_kept
}

# nobody but root may change it, and it holds what lies in open files
made_at_start()
{
	certlogind -f "$R/etc/certlogind.conf" -t || give_up "-t"
	[ ! -e "$(kept_file)" ] || give_up "-t kept a policy"
	daemon_start
	wait_for 15 is_kept || give_up "no policy is kept"
	[ "$(stat -c '%u %a' "$(kept_file)")" = "0 644" ] ||
	    give_up "mode: $(stat -c '%u %a' "$(kept_file)")"
	admitted alice alice
}

replaced_by_reload()
{
	local before

	before=$(inode)
	echo "# another line" >>"$R/etc/identity.map"
	daemon_reload
	wait_for 15 is_replaced "$before" || give_up "it was not replaced"
	before=$(inode)
	sed -i 's/^allow user user/allow person user/' "$R/etc/identity.map"
	daemon_reload 'reload: .*stays in force'
	admitted alice alice
	[ "$(inode)" = "$before" ] || give_up "a map with errors was kept"
	sed -i 's/^allow person user/allow user user/' "$R/etc/identity.map"
	daemon_reload
	wait_for 15 is_replaced "$before" || give_up "it was not replaced"
}

# what a map that not everybody may read says stays with root
secret_map()
{
	local before

	before=$(inode)
	chmod 0640 "$R/etc/identity.map"
	daemon_reload
	wait_for 15 is_replaced "$before" || give_up "it was not replaced"
	[ "$(stat -c %a "$(kept_file)")" = 600 ] ||
	    give_up "mode: $(stat -c %a "$(kept_file)")"
	before=$(inode)
	chmod 0644 "$R/etc/identity.map"
	chmod 0700 "$R/etc"
	daemon_reload
	wait_for 15 is_replaced "$before" || give_up "it was not replaced"
	[ "$(stat -c %a "$(kept_file)")" = 600 ] ||
	    give_up "in a closed folder: $(stat -c %a "$(kept_file)")"
	chmod 0755 "$R/etc"
}

# no room on the disk: said in the log, and logins go on
full_disk()
{
	mount -t tmpfs -o size=4k,mode=0700 tmpfs "$STATE"
	install -m 644 /dev/null "$STATE/locks.map"
	daemon_reload 'policy was not kept'
	admitted alice alice
	[ ! -e "$(kept_file)" ] || give_up "half of a policy is there"
	umount "$STATE"
	daemon_reload
	wait_for 15 is_kept || give_up "no policy is kept"
}

realm_make
for step in made_at_start replaced_by_reload secret_map full_disk; do
	echo "$step"
	$step
done
