/*
 * A map and what is suspicious in it.  Input: the map's text; its authorities
 * are those below.
 */
#include "fuzz.h"

#include "map/lint.h"

static const char conf_text[] =
    "[authority a]\nclass = user\nanchor = a\nrevocation = none\n"
    "names = uri=s:*, uri=s:*/*, email=*@e\nfold-case = email\n"
    "[authority b]\nclass = device\nanchor = b\nrevocation = none\n";

static int
find(const char *name, uid_t *uid)
{
	*uid = (uid_t)name[0] * 20;
	return name[0] == 'n' ? ERR_NOTFOUND : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct map_authority auth[] = { { "a", FACTS_USER,
	    1u << FACTS_EMAIL }, { "b", FACTS_DEVICE, 0 } };
	struct trust_conf conf;
	struct diag diag;
	struct map map;

	diag_init(&diag);
	CHECK(trust_conf_parse(&conf, "t", conf_text, strlen(conf_text),
	    &diag) == 0);
	if (map_parse(&map, "m", (const char *)data, size, auth, 2,
	    &diag) == 0) {
		diag_free(&diag);
		diag_init(&diag);
		lint_run(&(struct lint){ .map = &map, .file = "m",
		    .conf = &conf, .now = 1795478400, .find = find,
		    .diag = &diag });
		CHECK(diag.errors == 0);
		for (size_t i = 0; i < diag.n; i++)
			CHECK(diag.items[i].line <= map.rule[map.n - 1].line);
		map_free(&map);
	}
	diag_free(&diag);
	trust_conf_free(&conf);
	return 0;
}
