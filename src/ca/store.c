#include "ca/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "ca/out.h"
#include "ca/store_db.h"

#define SCHEMA 1

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

/* ---- opening ------------------------------------------------------------- */

static int
no_ca(const struct store *s, struct why *why)
{
	return why_set(why, ERR_NOTFOUND, "there is no CA in %.300s; make one "
	    "with: certlogin-ca --dir DIR init --realm REALM", s->dir);
}

/* The folder, its lock and its keys' folder belong to us alone. */
static int
check_folder(struct store *s, struct why *why)
{
	struct stat st;
	int fd;

	if ((fd = path_open(s->dir, PATH_DIR, why)) < 0)
		return fd == ERR_NOTFOUND ? no_ca(s, why) : fd;
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
		return errno == ENOENT ? no_ca(s, why) :
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
			return no_ca(s, why);
		return why_set(why, ERR_SYS, "%.300s: %.150s", path,
		    s->db != NULL ? sqlite3_errmsg(s->db) : "out of memory");
	}
	(void)sqlite3_extended_result_codes(s->db, 0);
	(void)sqlite3_busy_timeout(s->db, STORE_BUSY_MS);
	return store_db_exec(s, "PRAGMA journal_mode = WAL;"
	    "PRAGMA synchronous = FULL;"
	    "PRAGMA foreign_keys = ON;"
	    "PRAGMA trusted_schema = OFF;"
	    "PRAGMA temp_store = MEMORY;", why);
}

static int
read_realm(struct store *s, struct why *why)
{
	int64_t version = 0;
	sqlite3_stmt *st;
	int r;

	if ((r = store_db_number(s, "PRAGMA user_version", &version, why)) != 0)
		return r;
	if (version == 0)
		return s->mode == STORE_MAKE ? 0 : why_set(why, ERR_NOTFOUND,
		    "the CA in %.300s was never finished; run: certlogin-ca "
		    "--dir DIR init --realm REALM", s->dir);
	if (version != SCHEMA)
		return why_set(why, ERR_VERSION, "%.300s: made by another "
		    "version of certlogin-ca (schema %lld, expected %d)",
		    s->dir, (long long)version, SCHEMA);
	if ((r = store_db_prepare(s, "SELECT name FROM realm", &st, why)) != 0)
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

	if ((r = store_db_number(s, "SELECT "
	    "(SELECT count(*) FROM cert WHERE target IS NOT NULL) + "
	    "(SELECT count(*) FROM cert WHERE state = 'pending')", &left,
	    why)) != 0 || left == 0)
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
	int r = store_db_exec(s, "BEGIN IMMEDIATE", why);

	s->in_transaction = r == 0;
	return r;
}

int
store_freeze(struct store *s, struct why *why)
{
	int64_t unused;
	int r = store_db_exec(s, "BEGIN", why);

	s->in_transaction = r == 0;
	/* the first look is what takes the picture */
	return r == 0 ? store_db_number(s, "SELECT count(*) FROM ca", &unused,
	    why) : r;
}

int
store_commit(struct store *s, struct why *why)
{
	int r = store_db_exec(s, "COMMIT", why);

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

	if ((r = store_db_number(s, "PRAGMA user_version", &version, why)) != 0)
		return r;
	if (version != 0)
		return why_set(why, ERR_EXISTS, "there is a CA in %.300s "
		    "already", s->dir);
	if ((r = store_db_exec(s, schema, why)) != 0 ||
	    (r = store_db_prepare(s, "INSERT INTO realm VALUES (?)", &st,
	    why)) != 0)
		return r;
	store_db_bind_text(st, 1, realm);
	if ((r = store_db_change(s, st, why)) == 0)
		(void)snprintf(s->realm, sizeof(s->realm), "%s", realm);
	return r;
}

int
store_integrity(struct store *s, struct why *why)
{
	sqlite3_stmt *st;
	const char *text;
	int r;

	if ((r = store_db_prepare(s, "PRAGMA integrity_check(1)", &st,
	    why)) != 0)
		return r;
	if (sqlite3_step(st) != SQLITE_ROW)
		r = store_db_error(s, why);
	else if ((text = (const char *)sqlite3_column_text(st, 0)) == NULL ||
	    strcmp(text, "ok") != 0)
		r = why_set(why, ERR_REFUSED, "%.300s/" STORE_DB ": %.150s",
		    s->dir, text != NULL ? text : "damaged");
	(void)sqlite3_finalize(st);
	return r;
}
