/*
 * What the files of the store share: its structure, and short ways to talk
 * to SQLite.  Nobody else includes this.
 */
#ifndef CA_STORE_DB_H
#define CA_STORE_DB_H

#include <limits.h>
#include <sqlite3.h>

#include "ca/store.h"

struct store {
	sqlite3 *db;
	char dir[PATH_MAX], keys[PATH_MAX];
	char realm[WORDS_REALM_MAX + 1];
	char healed[2048];
	int lock;
	enum store_mode mode;
	bool in_transaction;
};

/* A negative code and why for what SQLite said last. */
int store_db_error(const struct store *s, struct why *why);
int store_db_exec(struct store *s, const char *sql, struct why *why);
int store_db_prepare(struct store *s, const char *sql, sqlite3_stmt **st,
    struct why *why);
/* Run and finalize a statement that changes exactly one row.  ERR_EXISTS: a
 * value that must be unique is there; ERR_STATE: no row was changed. */
int store_db_change(struct store *s, sqlite3_stmt *st, struct why *why);
/* One row, one number; ERR_NOTFOUND without a row. */
int store_db_number(struct store *s, const char *sql, int64_t *out,
    struct why *why);

/* The bytes must live until the statement is finalized. */
void store_db_bind_blob(sqlite3_stmt *st, int i, const void *p, size_t n);
void store_db_bind_text(sqlite3_stmt *st, int i, const char *text);
/* A view until the next step. */
struct span store_db_column_blob(sqlite3_stmt *st, int i);
/* WORDS_ROOT for what is no other class. */
enum words_class store_db_column_class(sqlite3_stmt *st, int i);

#endif
