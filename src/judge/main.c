/*
 * certlogin-judge: says who a certificate is and what it may be here.  One
 * job, fixed at exec by its first argument:
 *
 *	load	reads trust.conf, its files and the map; makes the policy
 *	login	one transcript, one verdict
 *	test	what would become of a certificate, for certlogin-map
 *	pam	loads a policy, then judges a person at a local door
 *	pam-kept	the same with a policy that was kept
 *	crl	is a CRL that was fetched to replace the one in place?
 *	review	sessions that are logged in: keep or end
 *
 * It may: use its channel and its policy.  It never sees: the network, the
 * host's key, PAM, the user database.
 *
 * Descriptors: 3 channel; login, test, review, pam-kept: 4 policy; login: 5
 * host certificate; pam: 4 channel of the load.
 */
#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/about.h"
#include "base/helper.h"
#include "base/memfile.h"
#include "base/sandbox.h"
#include "judge/crl.h"
#include "judge/load.h"
#include "judge/login.h"
#include "judge/pam.h"
#include "judge/policy.h"
#include "judge/review.h"
#include "judge/test.h"

#define HOST_MAX (IPC_CHAIN_MAX * (IPC_CERT_MAX + 8) + 16)

enum { FD_POLICY = HELPER_FD, FD_HOST, FD_LOAD = HELPER_FD };

#define LOAD_CALLS \
	{ SCMP_SYS(recvmsg), -1, 0 }, { SCMP_SYS(sendmsg), -1, 0 }, \
	{ SCMP_SYS(poll), -1, 0 }, { SCMP_SYS(pread64), -1, 0 }, \
	/* the policy's sealed file */ \
	{ SCMP_SYS(memfd_create), -1, 0 }, { SCMP_SYS(write), -1, 0 }, \
	{ SCMP_SYS(lseek), -1, 0 }, { SCMP_SYS(fcntl), 1, F_ADD_SEALS }, \
	/* memfile_map() of the policy in force */ \
	{ SCMP_SYS(fcntl), 1, F_GET_SEALS }, \
	{ SCMP_SYS(fstat), -1, 0 }, { SCMP_SYS(newfstatat), -1, 0 }, \
	/* tinycdb 0.81 */ \
	{ SCMP_SYS(fsync), -1, 0 }

static const struct sandbox_call load_calls[] = { LOAD_CALLS };

static const struct sandbox_call pam_calls[] = {
	LOAD_CALLS,
	/* policy_map() */
	{ SCMP_SYS(fcntl), 1, F_GETFL },
};

static const struct sandbox_call crl_calls[] = {
	{ SCMP_SYS(recvmsg), -1, 0 }, { SCMP_SYS(sendmsg), -1, 0 },
	{ SCMP_SYS(poll), -1, 0 }, { SCMP_SYS(pread64), -1, 0 },
};

static const struct sandbox_call login_calls[] = {
	{ SCMP_SYS(recvmsg), -1, 0 }, { SCMP_SYS(sendmsg), -1, 0 },
};

static const struct sandbox_call test_calls[] = {
	{ SCMP_SYS(recvmsg), -1, 0 }, { SCMP_SYS(sendmsg), -1, 0 },
	{ SCMP_SYS(pread64), -1, 0 },
};

struct files {
	struct span policy, host;
};

static int
run_load(const struct files *f)
{
	(void)f;
	return load_serve(HELPER_CHANNEL, NULL);
}

static int
run_login(const struct files *f)
{
	return login_serve(HELPER_CHANNEL, f->policy, f->host);
}

static int
run_test(const struct files *f)
{
	return test_serve(HELPER_CHANNEL, f->policy);
}

static int
run_pam(const struct files *f)
{
	(void)f;
	return pam_serve(HELPER_CHANNEL, FD_LOAD);
}

static int
run_pam_kept(const struct files *f)
{
	return pam_serve_kept(HELPER_CHANNEL, f->policy);
}

static int
run_crl(const struct files *f)
{
	(void)f;
	return crl_serve(HELPER_CHANNEL);
}

static int
run_review(const struct files *f)
{
	return review_serve(HELPER_CHANNEL, f->policy);
}

#define CALLS(table) table, sizeof(table) / sizeof(table[0])

static const struct job {
	const char *name;
	const struct sandbox_call *calls;
	size_t n_calls;
	bool policy, host;		/* the descriptors that it is given */
	int (*run)(const struct files *f);
} jobs[] = {
	{ "load", CALLS(load_calls), false, false, run_load },
	{ "login", CALLS(login_calls), true, true, run_login },
	{ "test", CALLS(test_calls), true, false, run_test },
	{ "pam", CALLS(pam_calls), false, false, run_pam },
	{ "pam-kept", CALLS(login_calls), true, false, run_pam_kept },
	{ "crl", CALLS(crl_calls), false, false, run_crl },
	{ "review", CALLS(test_calls), true, false, run_review },
};

static const struct job *
find_job(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < sizeof(jobs) / sizeof(jobs[0]);
	    i++)
		if (strcmp(argv[1], jobs[i].name) == 0)
			return &jobs[i];
	return NULL;
}

/* Mapped, not read: that comes when the sandbox is closed. */
static int
map_files(const struct job *j, struct files *f)
{
	int r = 0;

	*f = (struct files){ { NULL, 0 }, { NULL, 0 } };
	if (j->policy)
		r = policy_map(FD_POLICY, &f->policy, NULL);
	if (r == 0 && j->host)
		r = memfile_map(FD_HOST, HOST_MAX, &f->host);
	return r;
}

/* The C library looks for a time zone's file when it first writes a date;
 * behind the sandbox that would be its end. */
static int
settle_time_zone(void)
{
	if (setenv("TZ", "UTC0", 1) != 0)
		return ERR_NOMEM;
	tzset();
	return 0;
}

int
main(int argc, char **argv)
{
	const struct job *j;
	struct files f;
	struct why why;

	if (about_asked("certlogin-judge", sandbox_text(), argc, argv))
		return 0;
	if (helper_begin("certlogin-judge") != 0 ||
	    (j = find_job(argc, argv)) == NULL) {
		(void)fprintf(stderr, "certlogin-judge: is started by "
		    "certlogind, certlogin-map, certloginctl and "
		    "pam_certlogin, not by hand\n");
		return 2;
	}
	if (settle_time_zone() != 0 || map_files(j, &f) != 0 ||
	    sandbox_enter(j->calls, j->n_calls, &why) != 0)
		return 3;
	helper_leave(j->run(&f) == 0 ? 0 : 3);
}
