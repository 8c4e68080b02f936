#include "x509/facts.h"

#include <string.h>

static const char *const fields[FACTS_FIELDS] = {
	[FACTS_URI] = "uri",
	[FACTS_EMAIL] = "email",
	[FACTS_UPN] = "upn",
	[FACTS_DNS] = "dns",
	[FACTS_IP] = "ip",
	[FACTS_SID] = "sid",
};

static const char *const classes[FACTS_CLASSES] = {
	[FACTS_USER] = "user",
	[FACTS_DEVICE] = "device",
	[FACTS_HOST] = "host",
};

const char *
facts_field_name(enum facts_field field)
{
	return (unsigned)field < FACTS_FIELDS ? fields[field] : "";
}

const char *
facts_class_name(enum facts_class class)
{
	return (unsigned)class < FACTS_CLASSES ? classes[class] : "";
}

static int
find(const char *const *words, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(words[i], name) == 0)
			return i;
	return -1;
}

int
facts_field_by_name(const char *name)
{
	return find(fields, FACTS_FIELDS, name);
}

int
facts_class_by_name(const char *name)
{
	return find(classes, FACTS_CLASSES, name);
}
