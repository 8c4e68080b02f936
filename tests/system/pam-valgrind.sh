#!/bin/bash
# The PAM module under valgrind: no error and no leak, whether it lets in or
# not.
# limit: 240
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"

# clean STATUS ARGUMENT…: a caller ends so, and without a finding
clean()
{
	local status=$1

	shift
	rc=0
	timeout 100 valgrind -q --error-exitcode=99 --leak-check=full \
	    --errors-for-leak-kinds=definite --log-file="$R/valgrind" \
	    "$BUILD/tests/tools/pamcaller" "$@" 3>"$R/err" >"$R/out" 2>&1 ||
	    rc=$?
	[ $rc -eq "$status" ] || {
		cat "$R/valgrind"
		give_up "$* (exit $rc)"
	}
}

pam_make
need_program valgrind
[ -x "$BUILD/tests/tools/pamcaller" ] || {
	echo "pamcaller was not built"
	exit 77
}
card_of alice
clean 0 -u alice try auth acct cred open close <<<1234
clean 0 try auth acct <<<1234
clean 1 -u alice try auth <<<9999
clean 1 -u carol try auth <<<1234
clean 1 -r 192.0.2.1 -u alice try auth <<<1234
service file source=file file=%h/id.pem
file_of alice alice
clean 0 -u alice file auth acct open <<<"$PASS"
clean 1 -u alice file auth <<<wrong
clean 1 -u bob file auth <<<wrong
clean 1 -u alice try passwd <<<x
echo nonsense >>"$R/etc/pam.conf"
clean 1 -u alice try auth <<<1234
