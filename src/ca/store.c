#include "ca/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "ca/out.h"

#define SCHEMA 1
#define CAS_BYTES_MAX (1024u * 1024 * 1024)
#define BLOB_MAX 16384

static const char schema[] =
"CREATE TABLE realm (name TEXT NOT NULL);"
"CREATE TABLE ca ("
"	id INTEGER PRIMARY KEY,"
"	class TEXT NOT NULL CHECK (class IN"
"	    ('user', 'device', 'host', 'root')),"
"	generation INTEGER NOT NULL CHECK (generation > 0),"
"	serial BLOB NOT NULL UNIQUE CHECK (length(serial) = 16),"
"	key_file TEXT NOT NULL,"
"	not_before INTEGER NOT NULL,"
"	not_after INTEGER NOT NULL,"
"	der BLOB NOT NULL,"
"	crl_number INTEGER NOT NULL DEFAULT 0,"
"	crl_this INTEGER NOT NULL DEFAULT 0,"
"	crl_next INTEGER NOT NULL DEFAULT 0,"
"	crl BLOB,"
"	UNIQUE (class, generation));"
"CREATE TABLE cert ("
"	id INTEGER PRIMARY KEY,"
"	serial BLOB NOT NULL UNIQUE CHECK (length(serial) = 16),"
"	ca INTEGER NOT NULL REFERENCES ca (id),"
"	class TEXT NOT NULL CHECK (class IN ('user', 'device', 'host')),"
"	name TEXT NOT NULL,"
"	state TEXT NOT NULL CHECK (state IN"
"	    ('pending', 'issued', 'revoked', 'abandoned')),"
"	requested INTEGER NOT NULL,"
"	not_before INTEGER NOT NULL,"
"	not_after INTEGER NOT NULL,"
"	revoked INTEGER NOT NULL DEFAULT 0,"
"	reason INTEGER NOT NULL DEFAULT 0,"
"	der BLOB,"
"	target TEXT,"
"	CHECK ((der IS NOT NULL) = (state IN ('issued', 'revoked'))),"
"	CHECK ((revoked <> 0) = (state = 'revoked')));"
"CREATE INDEX cert_name ON cert (class, name);"
"CREATE INDEX cert_end ON cert (not_after);"
"CREATE INDEX cert_revoked ON cert (ca) WHERE state = 'revoked';"
"CREATE INDEX cert_pending ON cert (id) WHERE state = 'pending';"
"CREATE INDEX cert_target ON cert (id) WHERE target IS NOT NULL;"
"PRAGMA application_id = 1668047713;"
"PRAGMA user_version = 1;";

struct store {
	sqlite3 *db;
	char dir[PATH_MAX], keys[PATH_MAX];
	char realm[WORDS_REALM_MAX + 1];
	char healed[2048];
	int lock;
	enum store_mode mode;
	bool in_transaction;
};

static const char *const states[] = { "pending", "issued", "revoked",
    "abandoned" };

const char *
store_state_text(enum store_state state)
{
	return states[state];
}

/* ---- SQLite -------------------------------------------------------------- */

static int
db_error(const struct store *s, struct why *why)
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

static int
db_exec(struct store *s, const char *sql, struct why *why)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 :
	    db_error(s, why);
}

static int
db_prepare(struct store *s, const char *sql, sqlite3_stmt **st,
    struct why *why)
{
	return sqlite3_prepare_v2(s->db, sql, -1, st, NULL) == SQLITE_OK ? 0 :
	    db_error(s, why);
}

static void
bind_blob(sqlite3_stmt *st, int i, const void *p, size_t n)
{
	(void)sqlite3_bind_blob64(st, i, p, n, SQLITE_STATIC);
}

static void
bind_text(sqlite3_stmt *st, int i, const char *text)
{
	(void)sqlite3_bind_text(st, i, text, -1, SQLITE_STATIC);
}

/* Run a statement that returns no row; it must have changed one. */
static int
db_change(struct store *s, sqlite3_stmt *st, struct why *why)
{
	int r = 0;

	if (sqlite3_step(st) != SQLITE_DONE)
		r = sqlite3_extended_errcode(s->db) ==
		    SQLITE_CONSTRAINT_UNIQUE ?
		    why_set(why, ERR_EXISTS, "was given out before") :
		    db_error(s, why);
	else if (sqlite3_changes(s->db) != 1)
		r = why_set(why, ERR_STATE, "another certlogin-ca has changed "
		    "this certificate meanwhile; see certlogin-ca list");
	(void)sqlite3_finalize(st);
	return r;
}

static struct span
column_blob(sqlite3_stmt *st, int i)
{
	struct span v = { sqlite3_column_blob(st, i), 0 };

	v.n = v.p != NULL ? (size_t)sqlite3_column_bytes(st, i) : 0;
	return v;
}

/* One row, one number; ERR_NOTFOUND without a row. */
static int
db_number(struct store *s, const char *sql, int64_t *out, struct why *why)
{
	sqlite3_stmt *st;
	int r, e;

	if ((r = db_prepare(s, sql, &st, why)) != 0)
		return r;
	if ((e = sqlite3_step(st)) == SQLITE_ROW)
		*out = sqlite3_column_int64(st, 0);
	else
		r = e == SQLITE_DONE ? ERR_NOTFOUND : db_error(s, why);
	(void)sqlite3_finalize(st);
	return r;
}

/* ---- opening ------------------------------------------------------------- */

/* The folder, its lock and its keys' folder belong to us alone. */
static int
check_folder(struct store *s, struct why *why)
{
	struct stat st;
	int fd;

	if ((fd = path_open(s->dir, PATH_DIR, why)) < 0)
		return fd == ERR_NOTFOUND ? why_set(why, ERR_NOTFOUND,
		    "there is no CA in %.300s; make one with: certlogin-ca "
		    "--dir DIR init --realm REALM", s->dir) : fd;
	if (fstat(fd, &st) != 0) {
		(void)close(fd);
		return why_errno(why, "%.300s", s->dir);
	}
	(void)close(fd);
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return why_set(why, ERR_UNSAFE, "%.300s is open to others; "
		    "try: chmod 700 %.100s", s->dir, s->dir);
	return 0;
}

static int
take_lock(struct store *s, struct why *why)
{
	char path[PATH_MAX + 8];
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;

	(void)snprintf(path, sizeof(path), "%s/lock", s->dir);
	if (s->mode == STORE_MAKE)
		flags |= O_CREAT;
	if ((s->lock = open(path, flags, 0600)) < 0)
		return errno == ENOENT ? why_set(why, ERR_NOTFOUND, "there is "
		    "no CA in %.300s; make one with: certlogin-ca --dir DIR "
		    "init --realm REALM", s->dir) :
		    why_errno(why, "%.300s", path);
	return 0;
}

/* Without symbolic links, which are refused further on. */
static void
resolve(struct store *s)
{
	char real[PATH_MAX];

	if (realpath(s->dir, real) != NULL && strlen(real) < PATH_MAX - 64)
		(void)snprintf(s->dir, sizeof(s->dir), "%s", real);
	(void)snprintf(s->keys, sizeof(s->keys), "%.*s/" STORE_KEYS,
	    PATH_MAX - 8, s->dir);
}

/* SQLite would make the file readable by others, for a moment at least. */
static int
make_files(struct store *s, struct why *why)
{
	char path[PATH_MAX + 8];
	int fd, r;

	if ((r = out_mkdir(s->dir, 0700, why)) != 0)
		return r;
	resolve(s);
	if ((r = out_mkdir(s->keys, 0700, why)) != 0)
		return r;
	(void)snprintf(path, sizeof(path), "%s/" STORE_DB, s->dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return why_errno(why, "%.300s", path);
	(void)close(fd);
	return 0;
}

static int
open_db(struct store *s, struct why *why)
{
	char path[PATH_MAX + 8];

	(void)snprintf(path, sizeof(path), "%s/" STORE_DB, s->dir);
	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK) {
		if (access(path, F_OK) != 0)
			return why_set(why, ERR_NOTFOUND, "there is no CA in "
			    "%.300s; make one with: certlogin-ca --dir DIR "
			    "init --realm REALM", s->dir);
		return why_set(why, ERR_SYS, "%.300s: %.150s", path,
		    s->db != NULL ? sqlite3_errmsg(s->db) : "out of memory");
	}
	(void)sqlite3_extended_result_codes(s->db, 0);
	(void)sqlite3_busy_timeout(s->db, STORE_BUSY_MS);
	return db_exec(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = "
	    "FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; "
	    "PRAGMA temp_store = MEMORY;",
	    why);
}

static int
read_realm(struct store *s, struct why *why)
{
	int64_t version = 0;
	sqlite3_stmt *st;
	int r;

	if ((r = db_number(s, "PRAGMA user_version", &version, why)) != 0)
		return r;
	if (version == 0)
		return s->mode == STORE_MAKE ? 0 : why_set(why, ERR_NOTFOUND,
		    "the CA in %.300s was never finished; run: certlogin-ca "
		    "--dir DIR init --realm REALM", s->dir);
	if (version != SCHEMA)
		return why_set(why, ERR_VERSION, "%.300s: made by another "
		    "version of certlogin-ca (schema %lld, expected %d)",
		    s->dir, (long long)version, SCHEMA);
	if ((r = db_prepare(s, "SELECT name FROM realm", &st, why)) != 0)
		return r;
	if (sqlite3_step(st) == SQLITE_ROW &&
	    sqlite3_column_text(st, 0) != NULL)
		(void)snprintf(s->realm, sizeof(s->realm), "%s",
		    (const char *)sqlite3_column_text(st, 0));
	(void)sqlite3_finalize(st);
	return words_check_realm(s->realm, why) == 0 ? 0 :
	    why_set(why, ERR_SYS, "%.300s: no realm in the database; run: "
	    "certlogin-ca check", s->dir);
}

/* ---- healing ------------------------------------------------------------- */

static void
note(struct store *s, const char *text, const struct store_cert *c)
{
	size_t n = strlen(s->healed);
	char hex[WORDS_HEX];

	words_hex(c->serial, hex);
	(void)snprintf(s->healed + n, sizeof(s->healed) - n,
	    "%s of %s/%s %s\n", hex, words_class(c->class), c->name, text);
}

/* One row that an earlier certlogin-ca left: nothing was promised before the
 * commit, everything behind it. */
static int
heal_one(void *arg, const struct store_cert *c, struct why *why)
{
	struct store *s = arg;
	struct why ignored;
	struct out o;
	size_t n = 0;
	bool there;

	if (c->target == NULL && c->state != STORE_PENDING)
		return 0;
	there = c->target != NULL &&
	    out_find(&o, c->target, c->name, c->serial, &ignored) == 0;
	if (c->state == STORE_PENDING) {
		if (there) {
			out_discard(&o);
			out_close(&o);
		}
		note(s, "was never signed: given up", c);
		return store_set_abandoned(s, c->serial, why);
	}
	if (there) {
		(void)out_release(&o, &n, &ignored);
		out_close(&o);
	}
	/* none: they had all been renamed already */
	if (n > 0)
		note(s, "was issued; its files are now in place", c);
	return store_set_released(s, c->serial, why);
}

static int
heal_all(struct store *s, struct why *why)
{
	struct store_query pending = STORE_ANY, unreleased = STORE_ANY;
	int64_t left = 0;
	int r;

	if ((r = db_number(s, "SELECT (SELECT count(*) FROM cert WHERE target "
	    "IS NOT NULL) + (SELECT count(*) FROM cert WHERE state = "
	    "'pending')", &left, why)) != 0 || left == 0)
		return r;
	if ((r = store_begin(s, why)) != 0)
		return r;
	pending.state = STORE_PENDING;
	unreleased.unreleased = true;
	if ((r = store_each(s, &pending, heal_one, s, why)) == 0 &&
	    (r = store_each(s, &unreleased, heal_one, s, why)) == 0)
		r = store_commit(s, why);
	if (r != 0)
		store_rollback(s);
	return r;
}

bool
store_alone(struct store *s)
{
	return flock(s->lock, LOCK_EX | LOCK_NB) == 0;
}

void
store_not_alone(struct store *s)
{
	(void)flock(s->lock, LOCK_UN);
}

/* Being unable to heal is no reason not to work: the rows stay. */
static int
heal(struct store *s, struct why *why)
{
	struct why inner;

	if (s->realm[0] != '\0' && store_alone(s) &&
	    heal_all(s, &inner) != 0)
		(void)snprintf(s->healed, sizeof(s->healed), "what an earlier "
		    "certlogin-ca left unfinished could not be put right: "
		    "%s\n", inner.text);
	if (flock(s->lock, LOCK_SH) != 0)
		return why_errno(why, "%.300s/lock", s->dir);
	return 0;
}

int
store_open(struct store **out, const char *dir, enum store_mode mode,
    struct why *why)
{
	struct store *s = calloc(1, sizeof(*s));
	int r = 0;

	if (s == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	s->lock = -1;
	s->mode = mode;
	if (snprintf(s->dir, sizeof(s->dir), "%s", dir) >=
	    (int)sizeof(s->dir) - 64)
		r = why_set(why, ERR_TOOBIG, "--dir: path too long");
	if (r == 0 && mode == STORE_MAKE)
		r = make_files(s, why);
	if (r == 0)
		resolve(s);
	if (r == 0 && (r = check_folder(s, why)) == 0 &&
	    (r = take_lock(s, why)) == 0 &&
	    (r = open_db(s, why)) == 0 &&
	    (r = read_realm(s, why)) == 0 && mode != STORE_LOOK)
		r = heal(s, why);
	if (r == 0)
		*out = s;
	else
		store_close(s);
	return r;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	store_rollback(s);
	if (s->db != NULL)
		(void)sqlite3_close(s->db);
	if (s->lock >= 0)
		(void)close(s->lock);
	free(s);
}

const char *
store_dir(const struct store *s)
{
	return s->dir;
}

const char *
store_keys(const struct store *s)
{
	return s->keys;
}

const char *
store_realm(const struct store *s)
{
	return s->realm;
}

const char *
store_healed(const struct store *s)
{
	return s->healed;
}

/* ---- transactions -------------------------------------------------------- */

int
store_begin(struct store *s, struct why *why)
{
	int r = db_exec(s, "BEGIN IMMEDIATE", why);

	s->in_transaction = r == 0;
	return r;
}

int
store_freeze(struct store *s, struct why *why)
{
	int64_t unused;
	int r = db_exec(s, "BEGIN", why);

	s->in_transaction = r == 0;
	/* the first look is what takes the picture */
	return r == 0 ? db_number(s, "SELECT count(*) FROM ca", &unused,
	    why) : r;
}

int
store_commit(struct store *s, struct why *why)
{
	int r = db_exec(s, "COMMIT", why);

	if (r == 0)
		s->in_transaction = false;
	return r;
}

void
store_rollback(struct store *s)
{
	if (s->in_transaction)
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	s->in_transaction = false;
}

int
store_make_realm(struct store *s, const char *realm, struct why *why)
{
	int64_t version = 0;
	sqlite3_stmt *st;
	int r;

	if ((r = db_number(s, "PRAGMA user_version", &version, why)) != 0)
		return r;
	if (version != 0)
		return why_set(why, ERR_EXISTS, "there is a CA in %.300s "
		    "already", s->dir);
	if ((r = db_exec(s, schema, why)) != 0 ||
	    (r = db_prepare(s, "INSERT INTO realm VALUES (?)", &st,
	    why)) != 0)
		return r;
	bind_text(st, 1, realm);
	if ((r = db_change(s, st, why)) == 0)
		(void)snprintf(s->realm, sizeof(s->realm), "%s", realm);
	return r;
}

/* ---- CAs ----------------------------------------------------------------- */

int
store_add_ca(struct store *s, const struct store_ca *ca, int64_t *id,
    struct why *why)
{
	sqlite3_stmt *st;
	int r;

	if ((r = db_prepare(s, "INSERT INTO ca (class, generation, serial, "
	    "key_file, not_before, not_after, der) VALUES (?,?,?,?,?,?,?)",
	    &st, why)) != 0)
		return r;
	bind_text(st, 1, words_class(ca->class));
	(void)sqlite3_bind_int64(st, 2, ca->generation);
	bind_blob(st, 3, ca->serial, WORDS_SERIAL);
	bind_text(st, 4, ca->key_file);
	(void)sqlite3_bind_int64(st, 5, ca->not_before);
	(void)sqlite3_bind_int64(st, 6, ca->not_after);
	bind_blob(st, 7, ca->der.p, ca->der.n);
	if ((r = db_change(s, st, why)) == 0)
		*id = sqlite3_last_insert_rowid(s->db);
	return r;
}

static enum words_class
column_class(sqlite3_stmt *st, int i)
{
	const char *word = (const char *)sqlite3_column_text(st, i);
	int c = word != NULL ? words_class_of(word) : -1;

	return c >= 0 ? (enum words_class)c : WORDS_ROOT;
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
	struct span serial = column_blob(st, 3);
	const char *file = (const char *)sqlite3_column_text(st, 4);

	if (out->n == STORE_CAS_MAX || serial.n != WORDS_SERIAL ||
	    file == NULL)
		return why_set(why, ERR_SYS, "%.300s/" STORE_DB ": a CA's row "
		    "is damaged, or there are more than %d", s->dir,
		    STORE_CAS_MAX);
	*ca = (struct store_ca){ .id = sqlite3_column_int64(st, 0),
	    .class = column_class(st, 1),
	    .generation = sqlite3_column_int64(st, 2),
	    .not_before = sqlite3_column_int64(st, 5),
	    .not_after = sqlite3_column_int64(st, 6),
	    .der = keep(&out->bytes, column_blob(st, 7)),
	    .crl_number = sqlite3_column_int64(st, 8),
	    .crl_this = sqlite3_column_int64(st, 9),
	    .crl_next = sqlite3_column_int64(st, 10),
	    .crl = keep(&out->bytes, column_blob(st, 11)) };
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
	if ((r = db_prepare(s, "SELECT id, class, generation, serial, "
	    "key_file, not_before, not_after, der, crl_number, crl_this, "
	    "crl_next, crl FROM ca ORDER BY class, generation DESC", &st,
	    why)) != 0)
		return r;
	while (r == 0 && (e = sqlite3_step(st)) != SQLITE_DONE)
		r = e == SQLITE_ROW ? read_ca(s, st, out, why) :
		    db_error(s, why);
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

	if ((r = db_prepare(s, "SELECT crl_number + 1 FROM ca WHERE id = ?",
	    &st, why)) != 0)
		return r;
	(void)sqlite3_bind_int64(st, 1, ca);
	if (sqlite3_step(st) == SQLITE_ROW)
		*number = sqlite3_column_int64(st, 0);
	else
		r = db_error(s, why);
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
	if ((r = db_prepare(s, "UPDATE ca SET crl_number = ?2, crl_this = ?3, "
	    "crl_next = ?4, crl = ?5 WHERE id = ?1 AND crl_number < ?2", &st,
	    why)) != 0)
		return r;
	(void)sqlite3_bind_int64(st, 1, ca);
	(void)sqlite3_bind_int64(st, 2, number);
	(void)sqlite3_bind_int64(st, 3, this_update);
	(void)sqlite3_bind_int64(st, 4, next_update);
	bind_blob(st, 5, crl.p, crl.n);
	return db_change(s, st, why);
}

/* ---- certificates -------------------------------------------------------- */

int
store_add_pending(struct store *s, const struct store_cert *c,
    struct why *why)
{
	sqlite3_stmt *st;
	int r;

	if ((r = db_prepare(s, "INSERT INTO cert (serial, ca, class, name, "
	    "state, requested, not_before, not_after, target) "
	    "SELECT ?1,?2,?3,?4,'pending',?5,?6,?7,?8 "
	    "WHERE NOT EXISTS (SELECT 1 FROM ca WHERE serial = ?1)", &st,
	    why)) != 0)
		return r;
	bind_blob(st, 1, c->serial, WORDS_SERIAL);
	(void)sqlite3_bind_int64(st, 2, c->ca);
	bind_text(st, 3, words_class(c->class));
	bind_text(st, 4, c->name);
	(void)sqlite3_bind_int64(st, 5, c->requested);
	(void)sqlite3_bind_int64(st, 6, c->not_before);
	(void)sqlite3_bind_int64(st, 7, c->not_after);
	bind_text(st, 8, c->target);
	return db_change(s, st, why);
}

static int
change_one(struct store *s, const char *sql,
    const uint8_t serial[WORDS_SERIAL], struct why *why)
{
	sqlite3_stmt *st;
	int r;

	if ((r = db_prepare(s, sql, &st, why)) != 0)
		return r;
	bind_blob(st, 1, serial, WORDS_SERIAL);
	return db_change(s, st, why);
}

int
store_set_issued(struct store *s, const uint8_t serial[WORDS_SERIAL],
    struct span der, struct why *why)
{
	sqlite3_stmt *st;
	int r;

	if ((r = db_prepare(s, "UPDATE cert SET state = 'issued', der = ?2 "
	    "WHERE serial = ?1 AND state = 'pending'", &st, why)) != 0)
		return r;
	bind_blob(st, 1, serial, WORDS_SERIAL);
	bind_blob(st, 2, der.p, der.n);
	return db_change(s, st, why);
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

	if ((r = db_prepare(s, "UPDATE cert SET state = 'revoked', revoked = "
	    "?2, reason = ?3 WHERE serial = ?1 AND state = 'issued'", &st,
	    why)) != 0)
		return r;
	bind_blob(st, 1, serial, WORDS_SERIAL);
	(void)sqlite3_bind_int64(st, 2, when);
	(void)sqlite3_bind_int(st, 3, reason);
	return db_change(s, st, why);
}

static int
read_cert(struct store *s, sqlite3_stmt *st, struct store_cert *c,
    struct why *why)
{
	struct span serial = column_blob(st, 0);
	const char *state = (const char *)sqlite3_column_text(st, 4);
	int k = STORE_PENDING;

	*c = (struct store_cert){ .ca = sqlite3_column_int64(st, 1),
	    .class = column_class(st, 2),
	    .name = (const char *)sqlite3_column_text(st, 3),
	    .requested = sqlite3_column_int64(st, 5),
	    .not_before = sqlite3_column_int64(st, 6),
	    .not_after = sqlite3_column_int64(st, 7),
	    .revoked = sqlite3_column_int64(st, 8),
	    .reason = sqlite3_column_int(st, 9),
	    .der = column_blob(st, 10),
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
		bind_blob(st, 1, q->serial, WORDS_SERIAL);
	if (q->class >= 0)
		bind_text(st, 2, words_class((enum words_class)q->class));
	if (q->name != NULL)
		bind_text(st, 3, q->name);
	if (q->state >= 0)
		bind_text(st, 4, states[q->state]);
	if (q->ca != 0)
		(void)sqlite3_bind_int64(st, 5, q->ca);
	if (q->der.n > 0)
		bind_blob(st, 8, q->der.p, q->der.n);
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
	return db_prepare(s, sql, st, why);
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
			r = db_error(s, why);
		else if ((r = read_cert(s, st, &c, why)) == 0)
			r = fn(arg, &c, why);
	}
	(void)sqlite3_finalize(st);
	return r;
}

int
store_integrity(struct store *s, struct why *why)
{
	sqlite3_stmt *st;
	const char *text;
	int r;

	if ((r = db_prepare(s, "PRAGMA integrity_check(1)", &st, why)) != 0)
		return r;
	if (sqlite3_step(st) != SQLITE_ROW)
		r = db_error(s, why);
	else if ((text = (const char *)sqlite3_column_text(st, 0)) == NULL ||
	    strcmp(text, "ok") != 0)
		r = why_set(why, ERR_REFUSED, "%.300s/" STORE_DB ": %.150s",
		    s->dir, text != NULL ? text : "damaged");
	(void)sqlite3_finalize(st);
	return r;
}
