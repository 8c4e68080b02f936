#include "map/accounts.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mono.h"

#define LIMIT_MS 1000
#define MANY 500		/* more are listed rather than asked for */

static int
find_account(const char *name, uid_t *uid)
{
	const struct passwd *pw = getpwnam(name);

	if (pw == NULL)
		return ERR_NOTFOUND;
	*uid = pw->pw_uid;
	return 0;
}

/* The account's place: its own or the free one where it belongs. */
static struct accounts_one *
place(const struct accounts *a, const char *name)
{
	size_t at = 5381;

	for (const char *p = name; *p != '\0'; p++)
		at = at * 33 + (uint8_t)*p;
	for (;; at++) {
		struct accounts_one *one = &a->one[at & (a->n - 1)];

		if (one->name == NULL || strcmp(one->name, name) == 0)
			return one;
	}
}

/* One walk through all of the system's instead of one for each. */
static void
list_all(struct accounts *a)
{
	const struct passwd *pw;

	setpwent();
	while (mono_ms() < a->deadline && (pw = getpwent()) != NULL) {
		struct accounts_one *one = place(a, pw->pw_name);

		/* the first of two entries is the one that counts */
		if (one->name == NULL || one->state != ACCOUNTS_NEW)
			continue;
		one->uid = pw->pw_uid;
		one->state = ACCOUNTS_KNOWN;
	}
	endpwent();
}

int
accounts_init(struct accounts *a, const struct map *map, accounts_find *find)
{
	size_t named = 0;

	*a = (struct accounts){ .find = find != NULL ? find : find_account,
	    .deadline = mono_ms() + LIMIT_MS };
	for (a->n = 64; a->n < 2 * map->n_word; a->n *= 2)
		;
	if ((a->one = calloc(a->n, sizeof(*a->one))) == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < map->n; i++) {
		const struct map_rule *r = &map->rule[i];

		for (size_t k = 0; k < r->n_accounts; k++, named++) {
			const char *name = map->word[r->accounts + k];

			place(a, name)->name = name;
		}
	}
	if (find == NULL && named > MANY)
		list_all(a);
	return 0;
}

void
accounts_free(struct accounts *a)
{
	free(a->one);
	*a = (struct accounts){ .n = 0 };
}

enum accounts_state
accounts_get(struct accounts *a, const char *name, uid_t *uid)
{
	struct accounts_one *one = place(a, name);

	if (one->state == ACCOUNTS_NEW) {
		if (mono_ms() >= a->deadline) {
			a->late = true;
			return ACCOUNTS_NEW;
		}
		one->state = a->find(name, &one->uid) == 0 ?
		    ACCOUNTS_KNOWN : ACCOUNTS_UNKNOWN;
	}
	*uid = one->uid;
	return one->state;
}
