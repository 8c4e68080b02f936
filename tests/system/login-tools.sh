#!/bin/bash
# Programs made for ssh work over certlogin as they are: rsync, git, scp,
# sftp; settings that would weaken it are refused.
# limit: 120
set -eu
# shellcheck source=tests/lib/realm.sh
. "$SRC/tests/lib/realm.sh"

same()
{
	diff -r "$1" "$2" >"$R/diff" || give_up "$3: $(head -n 5 "$R/diff")"
}

for tool in rsync git scp sftp; do
	command -v $tool >/dev/null || { echo "$tool is missing"; exit 77; }
done
[ -x /usr/lib/openssh/sftp-server ] || {
	echo "openssh-sftp-server is missing"
	exit 77
}
realm_make
daemon_start

# what certlogin needs to know stands in its file, for no tool passes it on
export HOME=$R/me
mkdir -m 0700 "$HOME" "$HOME/.certlogin"
cp "$R/alice/alice.crt" "$HOME/.certlogin/id.crt"
cp "$R/alice/alice.key" "$HOME/.certlogin/id.key"
cp "$R/alice/ca.crt" "$HOME/.certlogin/ca.crt"
printf '[certlogin]\nport = %s\n' "$PORT" >"$HOME/.certlogin/config"
FAR=$R/home/alice
mkdir -p "$R/src/sub"
head -c 3000000 /dev/urandom >"$R/src/big"
echo "some words" >"$R/src/sub/a file"
chmod -R a+rX "$R/src"

echo "no settings on the command line"
[ "$(certlogin localhost id -un </dev/null)" = alice ] ||
    give_up "the usual files do not do"

echo rsync
rsync -a -e certlogin "$R/src/" localhost:up/ || give_up "rsync: exit $?"
same "$R/src" "$FAR/up" "rsync up"
rsync -a -e certlogin alice@localhost:up/ "$R/down/" ||
    give_up "rsync: exit $?"
same "$R/src" "$R/down" "rsync down"

echo git
git -c init.defaultBranch=main init -q "$R/work"
git -C "$R/work" -c user.name=a -c user.email=a@b commit -q --allow-empty \
    -m one
for variant in '' simple; do
	certlogin localhost "rm -rf repo; git init -q --bare repo" </dev/null ||
	    give_up "no repository"
	export GIT_SSH=certlogin GIT_SSH_VARIANT=$variant
	[ -n "$variant" ] || unset GIT_SSH_VARIANT
	git -C "$R/work" push -q localhost:repo HEAD:refs/heads/main ||
	    give_up "git push (variant '$variant'): exit $?"
	rm -rf "$R/clone"
	git clone -q -b main alice@localhost:repo "$R/clone" ||
	    give_up "git clone (variant '$variant'): exit $?"
	git -C "$R/clone" log --oneline | grep -q one ||
	    give_up "git: the commit is not there"
done

echo scp
scp -q -r -S "$(command -v certlogin)" "$R/src" localhost:scp ||
    give_up "scp: exit $?"
same "$R/src" "$FAR/scp" "scp up"
scp -O -q -r -S "$(command -v certlogin)" localhost:scp "$R/scp-old" ||
    give_up "scp -O: exit $?"
same "$R/src" "$R/scp-old" "scp -O down"

echo sftp
sftp -q -b - -S "$(command -v certlogin)" localhost >"$R/out" 2>&1 <<-END ||
put $R/src/big sftp-big
get sftp-big $R/sftp-back
END
    give_up "sftp: exit $?: $(cat "$R/out")"
cmp "$R/src/big" "$R/sftp-back" || give_up "sftp: other bytes"

echo "refused settings"
if rsync -a -e "certlogin -o StrictHostKeyChecking=no" "$R/src/" \
    localhost:no/ 2>"$R/err"; then
	give_up "StrictHostKeyChecking=no was taken"
fi
grep -q 'StrictHostKeyChecking=no is refused' "$R/err" ||
    give_up "not said why: $(cat "$R/err")"
[ ! -e "$FAR/no" ] || give_up "something was sent all the same"
