/*
 * Random rules, certificates and questions of a small world, in which rules
 * often fit, for tests of the decision's properties.  The seed is printed;
 * SEED=NUMBER in the environment gives the same run again.
 */
#ifndef RANDMAP_H
#define RANDMAP_H

#include <stdint.h>

#include "idmap/decide.h"
#include "idmap/map.h"

#define RANDMAP_COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define RANDMAP_RULE_MAX 512		/* bytes of a rule */
#define RANDMAP_AUTHORITIES 3
#define RANDMAP_ACCOUNTS 5
#define RANDMAP_DAY 86400
#define RANDMAP_NOW ((int64_t)1795564800)	/* 2026-11-25 */

extern uint64_t randmap_seed;
extern const struct map_authority randmap_authority[RANDMAP_AUTHORITIES];
extern const char *const randmap_account[RANDMAP_ACCOUNTS];

/* Once, in main(): choose and print the seed. */
void randmap_init(void);
/* At the begin of a test: the numbers from the first one on. */
void randmap_start(void);
/* How many rounds of n: under valgrind a tenth. */
int randmap_rounds(int n);
size_t randmap_below(size_t n);		/* 0..n-1 */

/* A line of RANDMAP_RULE_MAX bytes at most, without its end. */
void randmap_rule(char *rule, bool deny);
void randmap_facts(struct facts *f);
/* No account is asked for. */
void randmap_ask(struct decide_ask *ask, const struct facts *f);

#endif
