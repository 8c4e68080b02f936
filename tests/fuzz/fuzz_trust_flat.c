/* A loaded trust as bytes: what is taken is written again as it was.  The input
 * ends in a table of revoked certificates, which is searched whatever it holds.
 * Then it is in force, none of its CRLs is there any more, and a load carries
 * over what it holds, and nothing else.
 */
#include "fuzz.h"

#include <stdio.h>

#include "base/diag.h"
#include "x509/trust.h"

#define FILES_MAX (TRUST_AUTHORITIES_MAX * TRUST_PATHS_MAX)

/* trust.conf and files that such a trust could have been made of. */
struct made {
	struct trust_conf conf;
	struct trust_file file[FILES_MAX];
	size_t n_files;
	char path[FILES_MAX][32];
};

static void
make_authority(struct made *m, const struct trust_authority *a)
{
	struct trust_conf_authority *c = &m->conf.authority[m->conf.n++];

	c->rules = a->rules;
	c->rules.names = NULL;
	c->rules.n_names = 0;
	for (size_t i = 0; i < a->n_anchors && i < TRUST_PATHS_MAX; i++) {
		char *path = m->path[m->n_files];

		(void)snprintf(path, sizeof(m->path[0]), "%zu", m->n_files);
		m->file[m->n_files++] = (struct trust_file){ .path = path,
		    .bytes = a->anchor[i].cert.whole };
		memcpy(c->anchor[c->n_anchors++], path,
		    sizeof(m->path[0]));
		if (a->anchor[i].crl.file[0] != '\0')
			memcpy(c->crl[c->n_crls++], a->anchor[i].crl.file,
			    sizeof(c->crl[0]));
	}
}

/* The CRL of this key in an authority of this name, or NULL. */
static const struct trust_crl *
find(const struct trust *t, const struct trust_authority *like,
    const uint8_t key[32])
{
	for (size_t i = 0; i < t->n; i++) {
		const struct trust_authority *a = &t->authority[i];

		if (strcmp(a->rules.name, like->rules.name) != 0)
			continue;
		for (size_t k = 0; k < a->n_anchors; k++)
			if (a->anchor[k].crl.usable &&
			    memcmp(a->anchor[k].key, key, 32) == 0)
				return &a->anchor[k].crl;
	}
	return NULL;
}

static void
check_carried(const struct trust *new, const struct trust *old)
{
	for (size_t i = 0; i < new->n; i++) {
		const struct trust_authority *a = &new->authority[i];

		for (size_t k = 0; k < a->n_anchors; k++) {
			const struct trust_anchor *n = &a->anchor[k];

			CHECK(n->crl.usable == trust_crl_is_carried(&n->crl));
			CHECK(!n->crl.usable || find(old, a, n->key) != NULL);
		}
	}
	CHECK(new->n_revoked <= old->n_revoked);
	for (size_t i = 0; i < new->n_revoked; i++) {
		size_t k = 0;

		while (k < old->n_revoked && memcmp(&new->revoked[i],
		    &old->revoked[k], sizeof(*old->revoked)) != 0)
			k++;
		CHECK(k < old->n_revoked);
	}
}

static void
carry(const struct trust *old)
{
	const struct trust_before before = { .in_force = old };
	struct ipc_load_done *done = calloc(1, sizeof(*done));
	struct made *m = calloc(1, sizeof(*m));
	struct trust new;
	struct diag diag;

	CHECK(m != NULL && done != NULL);
	m->conf.authority = calloc(old->n, sizeof(*m->conf.authority));
	CHECK(m->conf.authority != NULL);
	for (size_t i = 0; i < old->n; i++)
		make_authority(m, &old->authority[i]);
	diag_init(&diag);
	if (trust_load(&new, "fuzz", &m->conf, m->file, m->n_files, &before,
	    1800000000, &diag) == 0) {
		check_carried(&new, old);
		trust_report(&new, 1800000000, done);
		CHECK(done->n_seen == 0);
	}
	trust_free(&new);
	diag_free(&diag);
	free(m->conf.authority);
	free(m);
	free(done);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t serial[] = { 0x40, 0, 0, 0, 1 };
	uint16_t n = size < 2 ? 0 : (uint16_t)(data[0] << 8 | data[1]);
	struct span flat, table;
	struct rd r = rd_of(data, size);
	struct ipc_load_done *done;
	struct trust t;
	struct buf b;

	(void)rd_u16(&r);
	flat = rd_raw(&r, n);
	table = rd_rest(&r);
	r = rd_of_span(flat);
	if (trust_get(&r, table, &t) != 0)
		return 0;
	(void)trust_is_revoked(&t, t.authority[0].anchor[0].key,
	    (struct span){ serial, sizeof(serial) });
	if ((done = calloc(1, sizeof(*done))) != NULL)
		trust_report(&t, 0, done);
	free(done);
	buf_init(&b, 64u << 20);
	trust_put(&b, &t);
	fuzz_same(&b, 0, (struct span){ flat.p, flat.n - r.n });
	CHECK(span_eq(trust_table(&t), table));
	buf_free(&b);
	carry(&t);
	trust_free(&t);
	return 0;
}
