/*
 * The accounts that a map names: each is asked for once, and a system that
 * answers slowly is not asked for ever.
 */
#ifndef MAP_ACCOUNTS_H
#define MAP_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "idmap/map.h"

/* uid of an account: 0 or ERR_NOTFOUND. */
typedef int accounts_find(const char *name, uid_t *uid);

enum accounts_state { ACCOUNTS_NEW, ACCOUNTS_KNOWN, ACCOUNTS_UNKNOWN };

struct accounts_one {
	const char *name;		/* NULL: free */
	uid_t uid;
	enum accounts_state state;
};

struct accounts {
	struct accounts_one *one;
	size_t n;			/* power of two */
	accounts_find *find;
	int64_t deadline;		/* ms of the monotonic clock */
	bool late;			/* some were not asked for */
};

/* The accounts of map; find NULL = ask the system.  0 or ERR_NOMEM; to be
 * freed in any case. */
int accounts_init(struct accounts *a, const struct map *map,
    accounts_find *find);
void accounts_free(struct accounts *a);

/* An account of the map.  ACCOUNTS_NEW: not asked for, it was too late. */
enum accounts_state accounts_get(struct accounts *a, const char *name,
    uid_t *uid);

#endif
