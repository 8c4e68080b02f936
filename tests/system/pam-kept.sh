#!/bin/bash
# An authentication goes by the policy that the last one kept, while nothing was
# changed; by a new one at once when anything was; and needs neither a sound
# kept one nor a place to keep one.
# also-in: no-sandbox sanitizers
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

# kept: the file, where there is one
kept()
{
	find "$R/state" -maxdepth 1 -name 'policy-*' 2>/dev/null
}

is_kept()
{
	[ -s "$(kept)" ]
}

inode()
{
	stat -c %i "$(kept)"
}

is_replaced()
{
	is_kept && [ "$(inode)" != "$1" ]
}

# judge_of [COMMAND…]: the job of the judge that somebody has who is let in
judge_of()
{
	local asker dir

	rm -f "$R/answers" "$R/err"
	mkfifo "$R/answers"
	"$@" env "${SANITIZED[@]}" pamtester file alice authenticate \
	    <"$R/answers" >"$R/err" 2>&1 &
	asker=$!
	exec 9>"$R/answers"
	wait_for 30 grep -q 'Passphrase of' "$R/err" ||
	    give_up "not asked: $(cat "$R/err")"
	for dir in /proc/[0-9]*; do
		[ "$(cat "$dir/comm" 2>/dev/null)" != certlogin-judge ] ||
		    tr '\0' '\n' <"$dir/cmdline" | sed -n 2p
	done >"$R/job"
	echo "$PASS" >&9
	exec 9>&-
	wait $asker || give_up "not let in: $(cat "$R/err")"
	cat "$R/job"
}

# goes_by JOB [COMMAND…]
goes_by()
{
	local want=$1 job

	shift
	job=$(judge_of "$@")
	[ "$job" = "$want" ] || give_up "the judge did '$job', not '$want'"
}

pam_make
service file source=file file=%h/id.pem remote=allow
file_of alice alice
TRY=(authenticate)

echo "the first one loads, and keeps"
goes_by pam
wait_for 10 is_kept || give_up "nothing is kept"
[ "$(stat -c '%u %a' "$(kept)")" = "0 644" ] ||
    give_up "mode: $(stat -c '%u %a' "$(kept)")"
before=$(inode)

echo "the next go by that, without root, too"
goes_by pam-kept
goes_by pam-kept setpriv --reuid=42001 --regid=42001 --clear-groups
[ "$(inode)" = "$before" ] || give_up "it was written again"

echo "a changed map counts at once"
sed -i 's/^allow user user uri=.*alice as alice$/# &/' "$R/etc/identity.map"
keeps_out 'mapped to no account' 'no rule allows' alice file "$PASS"
wait_for 10 is_replaced "$before" || give_up "it was not replaced"
sed -i 's/^# allow/allow/' "$R/etc/identity.map"
goes_by pam
wait_for 10 is_kept
goes_by pam-kept

echo "so does a revocation"
before=$(inode)
ca revoke --cert "$R/alice/alice.crt"
ca export --out "$R/etc"
keeps_out revoked revoked alice file "$PASS"
wait_for 10 is_replaced "$before" || give_up "it was not replaced"
keeps_out revoked revoked alice file "$PASS"
ca issue user alice --out "$R/alice2"
cp "$R/alice2/alice.crt" "$R/alice2/alice.key" "$R/alice"
file_of alice alice
lets_in alice file "$PASS"

echo "a CRL that runs out meanwhile"
lab_realm
file_of good alice
ends=$(($(date +%s) + 12))
lab_crl "$R/lab" "$R/etc/crl/lab.crl" \
    -crl_lastupdate "$(date -u -d '1 hour ago' +%Y%m%d%H%M%SZ)" \
    -crl_nextupdate "$(date -u -d "@$ends" +%Y%m%d%H%M%SZ)"
rm -f "$(kept)"
lets_in alice file "$PASS"
wait_for 10 is_kept || give_up "nothing is kept"
before=$(inode)
over()
{
	[ "$(date +%s)" -gt "$ends" ]
}
wait_for 30 over
keeps_out 'revo|CRL' 'CRL.*stale' alice file "$PASS"
[ "$(inode)" = "$before" ] || give_up "it was loaded again"
file_of alice alice
lets_in alice file "$PASS"

echo "and a lock"
echo "deny user user uri=spiffe://$REALM/user/alice" >"$R/state/locks.map"
keeps_out 'locked here' 'line 1 of the locks' alice file "$PASS"
: >"$R/state/locks.map"
lets_in alice file "$PASS"

echo "without root nothing is kept"
echo "# a line more" >>"$R/etc/identity.map"
rm -f "$(kept)"
goes_by pam setpriv --reuid=42001 --regid=42001 --clear-groups
[ -z "$(kept)" ] || give_up "kept without root"

echo "a damaged one is loaded again, and replaced"
goes_by pam
wait_for 10 is_kept || give_up "nothing is kept"
before=$(inode)
# in the policy's own part, which root does not read
head -c 2048 /dev/zero | tr '\0' X |
    dd of="$(kept)" conv=notrunc status=none
lets_in alice file "$PASS"
wait_for 10 is_replaced "$before" || give_up "it was not replaced"
goes_by pam-kept
before=$(inode)
truncate -s -7 "$(kept)"
goes_by pam
wait_for 10 is_replaced "$before" || give_up "it was not replaced"

echo "no place to keep one"
mv "$R/state" "$R/away"
mkdir -m 0755 "$R/state"
cp "$R/away/locks.map" "$R/state"
mount --bind "$R/state" "$R/state"
mount -o remount,ro,bind "$R/state"
goes_by pam
[ -z "$(kept)" ] || give_up "kept on a read-only disk"
umount "$R/state"
goes_by pam
wait_for 10 is_kept || give_up "nothing is kept"
