#include "made.h"

#include <check.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memfile.h"

int
made_policy(uint64_t number, const char *conf_text,
    const struct trust_file *files, size_t n_files, const char *map,
    const char *locks)
{
	struct map_authority auth[TRUST_AUTHORITIES_MAX];
	struct map rules, locked;
	struct trust_conf conf;
	struct trust trust;
	struct diag d;
	int fd;

	diag_init(&d);
	ck_assert_int_eq(trust_conf_parse(&conf, "trust.conf", conf_text,
	    strlen(conf_text), &d), 0);
	ck_assert_msg(trust_load(&trust, "trust.conf", &conf, files, n_files,
	    NULL, time(NULL), &d) == 0, "%s",
	    d.n > 0 ? d.items[0].text : "");
	policy_authorities(&trust, auth);
	ck_assert_int_eq(map_parse(&rules, "map", map, strlen(map), auth,
	    trust.n, &d), 0);
	ck_assert_int_eq(map_parse_locks(&locked, "locks", locks,
	    strlen(locks), auth, trust.n, &d), 0);
	ck_assert_int_ge(fd = policy_make(number, &trust, &rules, &locked),
	    0);
	map_free(&rules);
	map_free(&locked);
	trust_free(&trust);
	trust_conf_free(&conf);
	diag_free(&d);
	return fd;
}

void
made_read(struct policy *p, struct buf *b, int fd)
{
	struct why why = { "" };
	struct span bytes;

	ck_assert_int_eq(policy_map(fd, &bytes, &why), 0);
	buf_init(b, POLICY_MAX);
	buf_put_raw(b, bytes.p, bytes.n);
	memfile_unmap(bytes);
	ck_assert_int_eq(buf_err(b), 0);
	ck_assert_msg(policy_get(p, (struct span){ b->data, b->len },
	    &why) == 0, "%s", why.text);
}
