#include <stdio.h>
#include <string.h>

#include "ca/store_db.h"

#define CAS_BYTES_MAX (1024u * 1024 * 1024)

int
store_add_ca(struct store *s, const struct store_ca *ca, int64_t *id,
    struct why *why)
{
	sqlite3_stmt *st;
	int r;

	if ((r = store_db_prepare(s, "INSERT INTO ca (class, generation, "
	    "serial, key_file, not_before, not_after, der) "
	    "VALUES (?,?,?,?,?,?,?)",
	    &st, why)) != 0)
		return r;
	store_db_bind_text(st, 1, words_class(ca->class));
	(void)sqlite3_bind_int64(st, 2, ca->generation);
	store_db_bind_blob(st, 3, ca->serial, WORDS_SERIAL);
	store_db_bind_text(st, 4, ca->key_file);
	(void)sqlite3_bind_int64(st, 5, ca->not_before);
	(void)sqlite3_bind_int64(st, 6, ca->not_after);
	store_db_bind_blob(st, 7, ca->der.p, ca->der.n);
	if ((r = store_db_change(s, st, why)) == 0)
		*id = sqlite3_last_insert_rowid(s->db);
	return r;
}

/* Blobs go to bytes, which may move: p holds the offset until the end. */
static struct span
keep(struct buf *bytes, struct span v)
{
	struct span at = { (const uint8_t *)(uintptr_t)bytes->len, v.n };

	buf_put_raw(bytes, v.p, v.n);
	return at;
}

static int
read_ca(struct store *s, sqlite3_stmt *st, struct store_cas *out,
    struct why *why)
{
	struct store_ca *ca = &out->ca[out->n];
	struct span serial = store_db_column_blob(st, 3);
	const char *file = (const char *)sqlite3_column_text(st, 4);

	if (out->n == STORE_CAS_MAX || serial.n != WORDS_SERIAL ||
	    file == NULL)
		return why_set(why, ERR_SYS, "%.300s/" STORE_DB ": a CA's row "
		    "is damaged, or there are more than %d", s->dir,
		    STORE_CAS_MAX);
	*ca = (struct store_ca){ .id = sqlite3_column_int64(st, 0),
	    .class = store_db_column_class(st, 1),
	    .generation = sqlite3_column_int64(st, 2),
	    .not_before = sqlite3_column_int64(st, 5),
	    .not_after = sqlite3_column_int64(st, 6),
	    .der = keep(&out->bytes, store_db_column_blob(st, 7)),
	    .crl_number = sqlite3_column_int64(st, 8),
	    .crl_this = sqlite3_column_int64(st, 9),
	    .crl_next = sqlite3_column_int64(st, 10),
	    .crl = keep(&out->bytes, store_db_column_blob(st, 11)) };
	memcpy(ca->serial, serial.p, WORDS_SERIAL);
	(void)snprintf(ca->key_file, sizeof(ca->key_file), "%s", file);
	out->n++;
	return 0;
}

int
store_cas(struct store *s, struct store_cas *out, struct why *why)
{
	sqlite3_stmt *st;
	int r, e;

	out->n = 0;
	buf_init(&out->bytes, CAS_BYTES_MAX);
	if ((r = store_db_prepare(s, "SELECT id, class, generation, serial, "
	    "key_file, not_before, not_after, der, crl_number, crl_this, "
	    "crl_next, crl FROM ca ORDER BY class, generation DESC", &st,
	    why)) != 0)
		return r;
	while (r == 0 && (e = sqlite3_step(st)) != SQLITE_DONE)
		r = e == SQLITE_ROW ? read_ca(s, st, out, why) :
		    store_db_error(s, why);
	(void)sqlite3_finalize(st);
	if (r == 0 && buf_err(&out->bytes) != 0)
		r = why_set(why, buf_err(&out->bytes), "CAs: %s",
		    err_text(buf_err(&out->bytes)));
	for (size_t i = 0; r == 0 && i < out->n; i++) {
		out->ca[i].der.p = out->bytes.data +
		    (uintptr_t)out->ca[i].der.p;
		out->ca[i].crl.p = out->bytes.data +
		    (uintptr_t)out->ca[i].crl.p;
	}
	if (r != 0)
		store_cas_free(out);
	return r;
}

void
store_cas_free(struct store_cas *cas)
{
	buf_free(&cas->bytes);
	cas->n = 0;
}

const struct store_ca *
store_cas_current(const struct store_cas *cas, enum words_class class,
    int64_t now)
{
	for (size_t i = 0; i < cas->n; i++)
		if (cas->ca[i].class == class && cas->ca[i].not_after > now)
			return &cas->ca[i];
	return NULL;
}

int
store_next_crl_number(struct store *s, int64_t ca, int64_t *number,
    struct why *why)
{
	sqlite3_stmt *st;
	int r;

	if ((r = store_db_prepare(s, "SELECT crl_number + 1 FROM ca "
	    "WHERE id = ?", &st, why)) != 0)
		return r;
	(void)sqlite3_bind_int64(st, 1, ca);
	if (sqlite3_step(st) == SQLITE_ROW)
		*number = sqlite3_column_int64(st, 0);
	else
		r = store_db_error(s, why);
	(void)sqlite3_finalize(st);
	return r;
}

int
store_set_crl(struct store *s, int64_t ca, int64_t number,
    int64_t this_update, int64_t next_update, struct span crl,
    struct why *why)
{
	sqlite3_stmt *st;
	int r;

	/* the number must rise, whatever happened meanwhile */
	if ((r = store_db_prepare(s, "UPDATE ca SET crl_number = ?2, "
	    "crl_this = ?3, crl_next = ?4, crl = ?5 "
	    "WHERE id = ?1 AND crl_number < ?2", &st,
	    why)) != 0)
		return r;
	(void)sqlite3_bind_int64(st, 1, ca);
	(void)sqlite3_bind_int64(st, 2, number);
	(void)sqlite3_bind_int64(st, 3, this_update);
	(void)sqlite3_bind_int64(st, 4, next_update);
	store_db_bind_blob(st, 5, crl.p, crl.n);
	return store_db_change(s, st, why);
}
