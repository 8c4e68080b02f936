#include "idmap/uidrule.h"

#include <stdio.h>
#include <string.h>

#define LOGIN_DEFS "/etc/login.defs"
#define DEFAULT_MIN 1000
#define DEFAULT_MAX 60000

void
uidrule_limits(uint32_t *min, uint32_t *max)
{
	FILE *f = fopen(LOGIN_DEFS, "re");
	char line[512];
	unsigned v;

	*min = DEFAULT_MIN;
	*max = DEFAULT_MAX;
	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, " UID_MIN %9u", &v) == 1)
			*min = v;
		else if (sscanf(line, " UID_MAX %9u", &v) == 1)
			*max = v;
	(void)fclose(f);
	/* a file that would make root ordinary is not believed */
	if (*min == 0 || *min > *max) {
		*min = DEFAULT_MIN;
		*max = DEFAULT_MAX;
	}
}

static bool
listed(const struct uidrule *rule, const char *name)
{
	for (size_t i = 0; i < rule->n_privileged; i++)
		if (strcmp(rule->privileged[i], name) == 0)
			return true;
	return false;
}

int
uidrule_check(const struct uidrule *rule, const char *name, uid_t uid,
    bool captured, struct why *why)
{
	if (uid != 0 && uid >= rule->uid_min && uid <= rule->uid_max)
		return 0;
	if (!listed(rule, name))
		return why_set(why, ERR_REFUSED, "account %s has uid %lu, "
		    "outside %u..%u, and is not in privileged-accounts", name,
		    (unsigned long)uid, rule->uid_min, rule->uid_max);
	if (captured)
		return why_set(why, ERR_REFUSED, "account %s is privileged; a "
		    "rule must name it literally, not by a capture", name);
	return 0;
}
