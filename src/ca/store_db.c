#include "ca/store_db.h"

int
store_db_error(const struct store *s, struct why *why)
{
	int e = sqlite3_errcode(s->db);

	if (e == SQLITE_BUSY || e == SQLITE_LOCKED)
		return why_set(why, ERR_TIMEOUT, "%.300s/" STORE_DB ": another "
		    "certlogin-ca has been writing for %d s; try again",
		    s->dir, STORE_BUSY_MS / 1000);
	if (e == SQLITE_CORRUPT || e == SQLITE_NOTADB)
		return why_set(why, ERR_REFUSED, "%.300s/" STORE_DB " is "
		    "damaged (%.100s); go back to a copy", s->dir,
		    sqlite3_errmsg(s->db));
	return why_set(why, ERR_SYS, "%.300s/" STORE_DB ": %.150s%s", s->dir,
	    sqlite3_errmsg(s->db), e == SQLITE_FULL || e == SQLITE_IOERR ?
	    " (is the disk full?)" : "");
}

int
store_db_exec(struct store *s, const char *sql, struct why *why)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 :
	    store_db_error(s, why);
}

int
store_db_prepare(struct store *s, const char *sql, sqlite3_stmt **st,
    struct why *why)
{
	return sqlite3_prepare_v2(s->db, sql, -1, st, NULL) == SQLITE_OK ? 0 :
	    store_db_error(s, why);
}

void
store_db_bind_blob(sqlite3_stmt *st, int i, const void *p, size_t n)
{
	(void)sqlite3_bind_blob64(st, i, p, n, SQLITE_STATIC);
}

void
store_db_bind_text(sqlite3_stmt *st, int i, const char *text)
{
	(void)sqlite3_bind_text(st, i, text, -1, SQLITE_STATIC);
}

/* Run a statement that returns no row; it must have changed one. */
int
store_db_change(struct store *s, sqlite3_stmt *st, struct why *why)
{
	int r = 0;

	if (sqlite3_step(st) != SQLITE_DONE)
		r = sqlite3_extended_errcode(s->db) ==
		    SQLITE_CONSTRAINT_UNIQUE ?
		    why_set(why, ERR_EXISTS, "was given out before") :
		    store_db_error(s, why);
	else if (sqlite3_changes(s->db) != 1)
		r = why_set(why, ERR_STATE, "another certlogin-ca has changed "
		    "this certificate meanwhile; see certlogin-ca list");
	(void)sqlite3_finalize(st);
	return r;
}

struct span
store_db_column_blob(sqlite3_stmt *st, int i)
{
	struct span v = { sqlite3_column_blob(st, i), 0 };

	v.n = v.p != NULL ? (size_t)sqlite3_column_bytes(st, i) : 0;
	return v;
}

/* One row, one number; ERR_NOTFOUND without a row. */
int
store_db_number(struct store *s, const char *sql, int64_t *out, struct why *why)
{
	sqlite3_stmt *st;
	int r, e;

	if ((r = store_db_prepare(s, sql, &st, why)) != 0)
		return r;
	if ((e = sqlite3_step(st)) == SQLITE_ROW)
		*out = sqlite3_column_int64(st, 0);
	else
		r = e == SQLITE_DONE ? ERR_NOTFOUND : store_db_error(s, why);
	(void)sqlite3_finalize(st);
	return r;
}


enum words_class
store_db_column_class(sqlite3_stmt *st, int i)
{
	const char *word = (const char *)sqlite3_column_text(st, i);
	int c = word != NULL ? words_class_of(word) : -1;

	return c >= 0 ? (enum words_class)c : WORDS_ROOT;
}
