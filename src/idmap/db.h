/*
 * A file of keys and values that is made once and then only read: a constant
 * database (https://cr.yp.to/cdb/cdb.txt), written by tinycdb.  It is read
 * where it lies in memory, by code of our own: the bytes may be anybody's, so
 * every offset in them is held against their end, and nothing is looked up by
 * a descriptor that could change below us.
 */
#ifndef IDMAP_DB_H
#define IDMAP_DB_H

#include "base/buf.h"
#include "base/err.h"

#define DB_KEY_MAX 1024			/* bytes */

/* ---- reading ------------------------------------------------------------ */

struct db {
	struct span bytes;		/* must outlive it */
};

/* ERR_MALFORMED if the bytes are too few to be one. */
int db_open(struct db *db, struct span bytes);

/* The value of key: 1 and a view of it; 0 if there is none (*value is then
 * empty); ERR_MALFORMED where the file is damaged, ERR_TOOBIG for a key that
 * no record can have.  Of two records with one key the first one counts. */
int db_get(const struct db *db, struct span key, struct span *value);

/* ---- making ------------------------------------------------------------- */

struct db_maker;

/* A new one in a memfd of this name.  NULL: errno. */
struct db_maker *db_make(const char *name);
/* Each key once.  0 or ERR_TOOBIG (of a key or of all: 4 GiB), ERR_SYS. */
int db_add(struct db_maker *m, struct span key, struct span value);
/* The sealed memfd, or a negative code.  m is gone either way. */
int db_finish(struct db_maker *m);
void db_cancel(struct db_maker *m);	/* accepts NULL */

#endif
