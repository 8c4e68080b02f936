/*
 * How long a decision takes by a policy's file, for tests/bench/policy:
 *
 *	decidetime AUTHORITY URI ACCOUNT FILE
 *
 * Prints microseconds of CPU, a line each: of a decision that admits, in the
 * middle of many; of the first one of the process; of one look into the table
 * of revoked certificates.  Then how many of 100,000 looked up were there.
 * Exit 3 if the decision does not admit.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "idmap/decide.h"
#include "judge/policy.h"

#define TIMES 100000

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static const struct map_authority *
find_authority(const struct policy *p, const char *name)
{
	for (size_t i = 0; i < p->trust.n; i++)
		if (strcmp(p->authority[i].name, name) == 0)
			return &p->authority[i];
	return NULL;
}

static void
look_up(const struct policy *p, const struct map_authority *a)
{
	const uint8_t *key =
	    p->trust.authority[a - p->authority].anchor[0].key;
	uint8_t serial[8] = { 0x40 };
	double begin = now();
	size_t revoked = 0;

	for (uint32_t i = 0; i < TIMES; i++) {
		uint32_t n = i * 7919 % 200000;

		serial[4] = (uint8_t)(n >> 24);
		serial[5] = (uint8_t)(n >> 16);
		serial[6] = (uint8_t)(n >> 8);
		serial[7] = (uint8_t)n;
		revoked += trust_is_revoked(&p->trust, key,
		    (struct span){ serial, sizeof(serial) });
	}
	(void)printf("%.2f\n%zu\n", (now() - begin) / TIMES, revoked);
}

static int
measure(const struct policy *p, const struct map_authority *a,
    const struct decide_ask *ask)
{
	static struct decide_verdict v;
	double begin = now(), first;

	decide(&p->locks, &p->map, ask, &v);
	first = now() - begin;
	if (v.outcome != DECIDE_ALLOW) {
		(void)fprintf(stderr, "decidetime: %s\n", v.text);
		return 3;
	}
	begin = now();
	for (int i = 0; i < TIMES; i++)
		decide(&p->locks, &p->map, ask, &v);
	(void)printf("%.2f\n%.2f\n", (now() - begin) / TIMES, first);
	look_up(p, a);
	return 0;
}

int
main(int argc, char **argv)
{
	static struct facts facts = { .serial = { 1 }, .serial_len = 1,
	    .n_names = 1 };
	struct decide_ask ask = { .facts = &facts, .preferred = "",
	    .service = DECIDE_NETWORK_SERVICE };
	struct policy p;
	struct span bytes;
	struct why why = { "usage: decidetime AUTHORITY URI ACCOUNT FILE" };
	int fd = argc == 5 ? open(argv[4], O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0 || policy_map(fd, &bytes, &why) != 0 ||
	    policy_get(&p, bytes, &why) != 0 ||
	    (ask.authority = find_authority(&p, argv[1])) == NULL) {
		(void)fprintf(stderr, "decidetime: %s\n", why.text);
		return 3;
	}
	(void)snprintf(facts.names[0].value, sizeof(facts.names[0].value),
	    "%s", argv[2]);
	ask.account = argv[3];
	ask.now = (int64_t)time(NULL);
	return measure(&p, ask.authority, &ask);
}
