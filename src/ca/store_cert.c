#include <stdio.h>
#include <string.h>

#include "ca/store_db.h"

#define BLOB_MAX 16384

static const char *const states[] = { "pending", "issued", "revoked",
    "abandoned" };

const char *
store_state_text(enum store_state state)
{
	return states[state];
}

int
store_add_pending(struct store *s, const struct store_cert *c,
    struct why *why)
{
	sqlite3_stmt *st;
	int r;

	if ((r = store_db_prepare(s, "INSERT INTO cert (serial, ca, class, "
	    "name, state, requested, not_before, not_after, target) "
	    "SELECT ?1,?2,?3,?4,'pending',?5,?6,?7,?8 "
	    "WHERE NOT EXISTS (SELECT 1 FROM ca WHERE serial = ?1)", &st,
	    why)) != 0)
		return r;
	store_db_bind_blob(st, 1, c->serial, WORDS_SERIAL);
	(void)sqlite3_bind_int64(st, 2, c->ca);
	store_db_bind_text(st, 3, words_class(c->class));
	store_db_bind_text(st, 4, c->name);
	(void)sqlite3_bind_int64(st, 5, c->requested);
	(void)sqlite3_bind_int64(st, 6, c->not_before);
	(void)sqlite3_bind_int64(st, 7, c->not_after);
	store_db_bind_text(st, 8, c->target);
	return store_db_change(s, st, why);
}

static int
change_one(struct store *s, const char *sql,
    const uint8_t serial[WORDS_SERIAL], struct why *why)
{
	sqlite3_stmt *st;
	int r;

	if ((r = store_db_prepare(s, sql, &st, why)) != 0)
		return r;
	store_db_bind_blob(st, 1, serial, WORDS_SERIAL);
	return store_db_change(s, st, why);
}

int
store_set_issued(struct store *s, const uint8_t serial[WORDS_SERIAL],
    struct span der, struct why *why)
{
	sqlite3_stmt *st;
	int r;

	if ((r = store_db_prepare(s, "UPDATE cert SET state = 'issued', "
	    "der = ?2 WHERE serial = ?1 AND state = 'pending'", &st, why)) != 0)
		return r;
	store_db_bind_blob(st, 1, serial, WORDS_SERIAL);
	store_db_bind_blob(st, 2, der.p, der.n);
	return store_db_change(s, st, why);
}

int
store_set_released(struct store *s, const uint8_t serial[WORDS_SERIAL],
    struct why *why)
{
	return change_one(s, "UPDATE cert SET target = NULL WHERE serial = ?",
	    serial, why);
}

int
store_set_abandoned(struct store *s, const uint8_t serial[WORDS_SERIAL],
    struct why *why)
{
	return change_one(s, "UPDATE cert SET state = 'abandoned', target = "
	    "NULL WHERE serial = ? AND state = 'pending'", serial, why);
}

int
store_set_revoked(struct store *s, const uint8_t serial[WORDS_SERIAL],
    int64_t when, int reason, struct why *why)
{
	sqlite3_stmt *st;
	int r;

	if ((r = store_db_prepare(s, "UPDATE cert SET state = 'revoked', "
	    "revoked = ?2, reason = ?3 "
	    "WHERE serial = ?1 AND state = 'issued'", &st,
	    why)) != 0)
		return r;
	store_db_bind_blob(st, 1, serial, WORDS_SERIAL);
	(void)sqlite3_bind_int64(st, 2, when);
	(void)sqlite3_bind_int(st, 3, reason);
	return store_db_change(s, st, why);
}

static int
read_cert(struct store *s, sqlite3_stmt *st, struct store_cert *c,
    struct why *why)
{
	struct span serial = store_db_column_blob(st, 0);
	const char *state = (const char *)sqlite3_column_text(st, 4);
	int k = STORE_PENDING;

	*c = (struct store_cert){ .ca = sqlite3_column_int64(st, 1),
	    .class = store_db_column_class(st, 2),
	    .name = (const char *)sqlite3_column_text(st, 3),
	    .requested = sqlite3_column_int64(st, 5),
	    .not_before = sqlite3_column_int64(st, 6),
	    .not_after = sqlite3_column_int64(st, 7),
	    .revoked = sqlite3_column_int64(st, 8),
	    .reason = sqlite3_column_int(st, 9),
	    .der = store_db_column_blob(st, 10),
	    .target = (const char *)sqlite3_column_text(st, 11) };
	while (state != NULL && k <= STORE_ABANDONED &&
	    strcmp(state, states[k]) != 0)
		k++;
	if (serial.n != WORDS_SERIAL || c->name == NULL || state == NULL ||
	    k > STORE_ABANDONED || c->class == WORDS_ROOT ||
	    c->der.n > BLOB_MAX)
		return why_set(why, ERR_SYS, "%.300s/" STORE_DB ": a row is "
		    "damaged; run: certlogin-ca check", s->dir);
	memcpy(c->serial, serial.p, WORDS_SERIAL);
	c->state = (enum store_state)k;
	return 0;
}

static void
bind_query(sqlite3_stmt *st, const struct store_query *q)
{
	if (q->serial != NULL)
		store_db_bind_blob(st, 1, q->serial, WORDS_SERIAL);
	if (q->class >= 0)
		store_db_bind_text(st, 2,
		    words_class((enum words_class)q->class));
	if (q->name != NULL)
		store_db_bind_text(st, 3, q->name);
	if (q->state >= 0)
		store_db_bind_text(st, 4, states[q->state]);
	if (q->ca != 0)
		(void)sqlite3_bind_int64(st, 5, q->ca);
	if (q->der.n > 0)
		store_db_bind_blob(st, 8, q->der.p, q->der.n);
	(void)sqlite3_bind_int64(st, 6, q->after);
	(void)sqlite3_bind_int64(st, 7, q->before);
}

/* The statement for q, only with the conditions that it has, so that SQLite
 * finds the index. */
static int
prepare_query(struct store *s, const struct store_query *q, sqlite3_stmt **st,
    struct why *why)
{
	char sql[1024];

	(void)snprintf(sql, sizeof(sql), "SELECT serial, ca, class, name, "
	    "state, requested, not_before, not_after, revoked, reason, der, "
	    "target FROM cert WHERE 1%s%s%s%s%s%s%s%s%s ORDER BY id",
	    q->serial != NULL ? " AND serial = ?1" : "",
	    q->class >= 0 ? " AND class = ?2" : "",
	    q->name != NULL ? " AND name = ?3" : "",
	    q->state >= 0 ? " AND state = ?4" : "",
	    q->ca != 0 ? " AND ca = ?5" : "",
	    q->after != 0 ? " AND not_after > ?6" : "",
	    q->before != 0 ? " AND not_after <= ?7" : "",
	    q->der.n > 0 ? " AND der = ?8" : "",
	    q->unreleased ? " AND target IS NOT NULL" : "");
	return store_db_prepare(s, sql, st, why);
}

int
store_each(struct store *s, const struct store_query *q, store_row_fn *fn,
    void *arg, struct why *why)
{
	struct store_cert c;
	sqlite3_stmt *st;
	int r, e;

	if ((r = prepare_query(s, q, &st, why)) != 0)
		return r;
	bind_query(st, q);
	while (r == 0 && (e = sqlite3_step(st)) != SQLITE_DONE) {
		if (e != SQLITE_ROW)
			r = store_db_error(s, why);
		else if ((r = read_cert(s, st, &c, why)) == 0)
			r = fn(arg, &c, why);
	}
	(void)sqlite3_finalize(st);
	return r;
}
