#include "idmap/db.h"

#include <cdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memfile.h"

#define HEAD 2048			/* 256 tables: offset and slots */
#define SLOT 8				/* hash and offset */

/* ---- reading ---------------------------------------------------------------- */

int
db_open(struct db *db, struct span bytes)
{
	if (bytes.n < HEAD)
		return ERR_MALFORMED;
	db->bytes = bytes;
	return 0;
}

static uint32_t
little_endian(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[1] << 8 | p[0];
}

/* at + 8 lies within the bytes */
static void
pair(const struct db *db, size_t at, uint32_t *a, uint32_t *b)
{
	*a = little_endian(db->bytes.p + at);
	*b = little_endian(db->bytes.p + at + 4);
}

/* Is it the record at this offset?  As db_get(). */
static int
record(const struct db *db, uint32_t at, struct span key, struct span *value)
{
	uint32_t n_key, n_value;
	size_t left;

	if (db->bytes.n < SLOT || at > db->bytes.n - SLOT)
		return ERR_MALFORMED;
	pair(db, at, &n_key, &n_value);
	if (n_key != key.n)
		return 0;
	left = db->bytes.n - at - SLOT;
	if (n_key > left || n_value > left - n_key)
		return ERR_MALFORMED;
	if (memcmp(db->bytes.p + at + SLOT, key.p, n_key) != 0)
		return 0;
	*value = (struct span){ db->bytes.p + at + SLOT + n_key, n_value };
	return 1;
}

int
db_get(const struct db *db, struct span key, struct span *value)
{
	uint32_t hash, table, slots, slot, found, at;
	int r;

	*value = (struct span){ (const uint8_t *)"", 0 };
	if (key.n > DB_KEY_MAX)
		return ERR_TOOBIG;
	hash = cdb_hash(key.p, (unsigned)key.n);
	pair(db, (hash & 0xff) * SLOT, &table, &slots);
	if (slots == 0)
		return 0;
	if (table > db->bytes.n || slots > (db->bytes.n - table) / SLOT)
		return ERR_MALFORMED;
	slot = (hash >> 8) % slots;
	for (uint32_t i = 0; i < slots; i++) {
		pair(db, table + (size_t)slot * SLOT, &found, &at);
		if (at == 0)
			return 0;
		if (found == hash &&
		    (r = record(db, at, key, value)) != 0)
			return r;
		slot = slot + 1 < slots ? slot + 1 : 0;
	}
	return 0;
}

/* ---- making ----------------------------------------------------------------- */

struct db_maker {
	int fd;
	struct cdb_make cdb;
};

struct db_maker *
db_make(const char *name)
{
	struct db_maker *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	if ((m->fd = memfile_begin(name)) < 0 ||
	    cdb_make_start(&m->cdb, m->fd) != 0) {
		if (m->fd >= 0)
			(void)close(m->fd);
		free(m);
		return NULL;
	}
	return m;
}

int
db_add(struct db_maker *m, struct span key, struct span value)
{
	if (key.n > DB_KEY_MAX || value.n > UINT32_MAX)
		return ERR_TOOBIG;
	return cdb_make_add(&m->cdb, key.p, (unsigned)key.n, value.p,
	    (unsigned)value.n) == 0 ? 0 : ERR_SYS;
}

int
db_finish(struct db_maker *m)
{
	int fd = m->fd, r;

	r = cdb_make_finish(&m->cdb) == 0 ? memfile_seal(fd) : ERR_SYS;
	free(m);
	if (r == 0)
		return fd;
	(void)close(fd);
	return r;
}

void
db_cancel(struct db_maker *m)
{
	if (m == NULL)
		return;
	/* the only way to give its tables back */
	(void)cdb_make_finish(&m->cdb);
	(void)close(m->fd);
	free(m);
}
