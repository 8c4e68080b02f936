/*
 * The CA's database, D/ca.db: the realm, its CAs with their newest CRLs, and
 * a row for every serial that was ever given out.
 *
 * A certificate's row goes pending (committed before anything is signed),
 * then issued, maybe revoked; a pending row whose maker died becomes
 * abandoned.  No row is ever removed, so no serial comes twice.  `target` is
 * the folder that its files still have to be released to (out.h).
 *
 * Everybody who writes holds D/lock shared; who gets it exclusively knows
 * that whatever is pending was left behind, and heals it.
 */
#ifndef CA_STORE_H
#define CA_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "ca/words.h"

struct store;

#define STORE_CAS_MAX 64
#define STORE_DB "ca.db"
#define STORE_KEYS "keys"
#define STORE_BUSY_MS 120000

enum store_mode {
	STORE_MAKE,	/* for init: makes folder and database if missing */
	STORE_USE,	/* heals what was left behind */
	STORE_LOOK,	/* changes nothing */
};

/* ERR_NOTFOUND: there is no CA in dir (not with STORE_MAKE). */
int store_open(struct store **out, const char *dir, enum store_mode mode,
    struct why *why);
void store_close(struct store *s);

const char *store_dir(const struct store *s);
const char *store_keys(const struct store *s);	/* folder of the keys */
const char *store_realm(const struct store *s);	/* "" before init */
/* What opening healed, a line each, "" if nothing. */
const char *store_healed(const struct store *s);

/* Write transactions; they wait for another process's at most
 * STORE_BUSY_MS. */
int store_begin(struct store *s, struct why *why);
/* From here on every look sees the same state, whatever others write. */
int store_freeze(struct store *s, struct why *why);
int store_commit(struct store *s, struct why *why);
void store_rollback(struct store *s);

/* The empty database's tables, in the caller's transaction.  ERR_EXISTS if
 * there is a realm already. */
int store_make_realm(struct store *s, const char *realm, struct why *why);

/* ---- CAs ----------------------------------------------------------------- */

struct store_ca {
	int64_t id;
	enum words_class class;
	int64_t generation;
	uint8_t serial[WORDS_SERIAL];
	char key_file[32];		/* in store_keys() */
	int64_t not_before, not_after;
	struct span der;
	int64_t crl_number, crl_this, crl_next;	/* 0: none yet */
	struct span crl;
};

struct store_cas {
	size_t n;
	struct store_ca ca[STORE_CAS_MAX];	/* newest generation first */
	struct buf bytes;			/* owns the spans */
};

/* id is chosen by the database and returned; no CRL yet. */
int store_add_ca(struct store *s, const struct store_ca *ca, int64_t *id,
    struct why *why);
int store_cas(struct store *s, struct store_cas *out, struct why *why);
void store_cas_free(struct store_cas *cas);
/* The one that issues for class now: the newest that is not over. */
const struct store_ca *store_cas_current(const struct store_cas *cas,
    enum words_class class, int64_t now);
int store_set_crl(struct store *s, int64_t ca, int64_t number,
    int64_t this_update, int64_t next_update, struct span crl,
    struct why *why);
int store_next_crl_number(struct store *s, int64_t ca, int64_t *number,
    struct why *why);

/* ---- certificates -------------------------------------------------------- */

enum store_state { STORE_PENDING, STORE_ISSUED, STORE_REVOKED,
    STORE_ABANDONED };
const char *store_state_text(enum store_state state);

struct store_cert {
	uint8_t serial[WORDS_SERIAL];
	int64_t ca;
	enum words_class class;
	const char *name;
	enum store_state state;
	int64_t requested, not_before, not_after;
	int64_t revoked;		/* 0: not */
	int reason;
	struct span der;		/* empty while pending or abandoned */
	const char *target;		/* NULL: released */
};

/* ERR_EXISTS if the serial was given out before. */
int store_add_pending(struct store *s, const struct store_cert *c,
    struct why *why);
int store_set_issued(struct store *s, const uint8_t serial[WORDS_SERIAL],
    struct span der, struct why *why);
int store_set_released(struct store *s, const uint8_t serial[WORDS_SERIAL],
    struct why *why);
int store_set_abandoned(struct store *s, const uint8_t serial[WORDS_SERIAL],
    struct why *why);
int store_set_revoked(struct store *s, const uint8_t serial[WORDS_SERIAL],
    int64_t when, int reason, struct why *why);

struct store_query {
	const uint8_t *serial;		/* NULL: any */
	struct span der;		/* n 0: any */
	int class;			/* -1: any */
	const char *name;		/* NULL: any */
	int state;			/* -1: any */
	int64_t ca;			/* 0: any */
	int64_t after, before;		/* after < not_after <= before;
					 * 0: any */
	bool unreleased;		/* with a target only */
};
#define STORE_ANY { .class = -1, .state = -1 }

/* Rows in order of request; the row's views last until fn returns.  Ends at
 * the first result of fn that is not 0, and returns it. */
typedef int store_row_fn(void *arg, const struct store_cert *c,
    struct why *why);
int store_each(struct store *s, const struct store_query *q,
    store_row_fn *fn, void *arg, struct why *why);

/* SQLite's own check of the file: 0, or ERR_REFUSED with its first words. */
int store_integrity(struct store *s, struct why *why);
/* Is nobody else at work on this store?  What is unfinished was then left
 * behind; nobody starts before store_not_alone(). */
bool store_alone(struct store *s);
void store_not_alone(struct store *s);

#endif
