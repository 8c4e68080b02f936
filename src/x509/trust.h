/*
 * trust.conf(5): whose certificates count, for what, and what each issuer may
 * say.  Three forms of the same thing:
 *
 *   struct trust_conf	the file's text, with the paths that it names
 *   struct trust	loaded: anchors sliced, CRLs verified, ready to judge by
 *   bytes		a loaded trust, flat, as it lies in a sealed memfd
 *
 * An anchor is an issuing CA: verification ends there.  A chain belongs to
 * exactly one authority: one key in two authorities, or an anchor that
 * chains to another authority's anchor, is an error of the load.
 */
#ifndef X509_TRUST_H
#define X509_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "proto/ipc.h"
#include "x509/facts.h"
#include "x509/slice.h"
#include "x509/trust_url.h"

#define TRUST_FILE_MAX (256 * 1024)	/* bytes of trust.conf */
#define TRUST_AUTHORITIES_MAX IPC_LOAD_AUTHORITIES_MAX
#define TRUST_NAME_MAX 64		/* with NUL: an authority's name,
					 * [a-z][a-z0-9_-]* */
#define TRUST_PATHS_MAX 8		/* anchor= or crl= of one authority */
#define TRUST_NAMES_MAX 32		/* patterns of one authority's names= */
#define TRUST_ANCHORS_MAX 16		/* certificates of one authority */
#define TRUST_REVOKED_MAX 2000000	/* entries of all CRLs together */

enum trust_revocation { TRUST_REQUIRE, TRUST_GRACE, TRUST_NONE };
/* What becomes of a live session when its certificate, or the map's rule, has
 * expired; and when there is no fresh CRL any more. */
enum trust_on_expiry { TRUST_EXPIRY_END, TRUST_EXPIRY_KEEP };
enum trust_on_stale { TRUST_STALE_KEEP, TRUST_STALE_END };

/* One pattern of names=: `FIELD=PATTERN` (pattern.h's grammar, * only). */
struct trust_name {
	enum facts_field field;
	char pattern[FACTS_NAME_MAX + 1];
};
/* Does it stand for every name of its field?  `dns=*` does, for nobody lists
 * each number of labels. */
bool trust_name_is_any(const struct trust_name *n);

/* What an [authority NAME] section says. */
struct trust_rules {
	char name[TRUST_NAME_MAX];
	enum facts_class class;
	unsigned fold;			/* fold-case: bits 1 << facts_field */
	enum trust_revocation revocation;
	uint32_t grace;			/* seconds behind nextUpdate */
	enum trust_on_expiry on_expiry;
	enum trust_on_stale on_stale;
	uint32_t max_lifetime;		/* seconds; 0 = no limit */
	size_t n_names;			/* 0: names of any form, warned of */
	struct trust_name *names;	/* owned */
};

struct trust_conf_authority {
	struct trust_rules rules;
	unsigned line;			/* of the section's head */
	size_t n_anchors, n_crls;
	char anchor[TRUST_PATHS_MAX][256];	/* relative to trust.conf */
	char crl[TRUST_PATHS_MAX][256];
	char url[TRUST_PATHS_MAX][TRUST_URL_MAX];	/* crl-url: where
					 * crl[i] is fetched from, or "" */
	unsigned anchor_line[TRUST_PATHS_MAX], crl_line[TRUST_PATHS_MAX];
	unsigned url_line[TRUST_PATHS_MAX];
};

struct trust_conf {
	size_t n;
	struct trust_conf_authority *authority;	/* owned */
};

/* Parse the text of file (name for messages).  0 or ERR_MALFORMED with every
 * problem in diag; out is to be freed either way. */
int trust_conf_parse(struct trust_conf *out, const char *file,
    const char *text, size_t n, struct diag *diag);
void trust_conf_free(struct trust_conf *c);

/* ---- loaded ------------------------------------------------------------- */

/* What is known of one issuer key's revocations. */
struct trust_crl {
	bool usable;			/* verified, not forged, not rolled
					 * back; may be stale all the same */
	char problem[256];		/* why not; of a usable one "", or why
					 * it was carried over */
	char file[256];			/* that it was read from, as trust.conf
					 * names it; "" if it is not usable */
	int64_t this_update, next_update;
	uint8_t number[20];		/* big endian */
	uint8_t number_len;
	uint32_t revoked;		/* entries */
};

struct trust_anchor {
	struct slice_cert cert;
	uint8_t key[32];		/* SHA-256 of its SPKI */
	int64_t not_before, not_after;
	struct trust_crl crl;		/* of this key */
};

struct trust_authority {
	struct trust_rules rules;
	size_t n_anchors;
	struct trust_anchor *anchor;	/* owned; views into trust's bytes */
	int64_t verified_time;		/* newest thisUpdate verified for its
					 * keys, now or before; 0 none */
};

/* A revoked certificate: fixed width, sorted by memcmp, so that the flat form
 * is searched where it lies. */
struct trust_revoked {
	uint8_t key[32];		/* issuer key: SHA-256 of SPKI */
	uint8_t serial_len;
	uint8_t serial[SLICE_SERIAL_MAX];	/* zeros behind serial_len */
};

struct trust {
	size_t n;
	struct trust_authority *authority;	/* owned */
	const struct trust_revoked *revoked;	/* sorted */
	size_t n_revoked;
	struct trust_revoked *revoked_owned;	/* NULL when a view */
	struct buf bytes;		/* anchors' DER, when loaded here */
	int64_t again;			/* when loaded here: from this time on
					 * a load may give something else,
					 * 0 = never */
};

/* Contents of the files that a trust_conf names, by the caller. */
struct trust_file {
	const char *path;		/* as in the trust_conf */
	struct span bytes;		/* PEM or DER; p NULL: not there */
	const char *error;		/* why not, for messages */
};

/*
 * Make a trust of a parsed trust.conf.  Anchors: PEM (several allowed) or one
 * DER.  CRLs: PEM or DER; each is verified with the key of an anchor of its
 * authority, its extensions checked (unknown critical, delta, partitioned:
 * refused), its number held against before->seen (rolled back: refused, the
 * CRL is then not usable).  A CRL that is missing, stale or not usable is a warning:
 * logins of that authority are refused, others go on.  A thisUpdate more than
 * a day ahead of now is not usable, unless now is before the program was
 * built.  Errors: no anchor, not a CA, weak key, one key in two authorities,
 * an anchor below another authority's anchor.
 * Where a trust is in force, its CRLs are carried over for anchors that are to
 * have one and would have none (trust_carry.h).
 * Where all CRLs have more entries than TRUST_REVOKED_MAX, an authority that
 * has no more than its share, an equal part of that, keeps its CRLs: those of
 * the one with most do not count.
 * 0, or ERR_MALFORMED (see diag), ERR_NOMEM; out to be freed either way.  It
 * holds no view into what it was made of.
 */
struct trust_before {			/* what was known until now */
	const struct ipc_seen *seen;
	size_t n_seen;
	const struct trust *in_force;	/* NULL: none */
	size_t revoked_max;		/* 0: TRUST_REVOKED_MAX; tests have
					 * less */
};
int trust_load(struct trust *out, const char *file,
    const struct trust_conf *conf, const struct trust_file *files,
    size_t n_files, const struct trust_before *before, int64_t now,
    struct diag *diag);
/* A trust of one authority with these rules, no file: for the client's
 * ca=FILE and crl=FILE, and for certlogin-map verify.  anchors and crls are
 * contents of files (PEM or DER). */
int trust_single(struct trust *out, const struct trust_rules *rules,
    const struct span *anchors, size_t n_anchors, const struct span *crls,
    size_t n_crls, int64_t now, struct why *why);
void trust_free(struct trust *t);

/* The flat form: encoder beside decoder.  The result of trust_get points into
 * the given bytes, which must outlive it.  The table of revoked certificates
 * is apart, for it may be large: it is written and searched as it lies. */
void trust_put(struct buf *b, const struct trust *t);
struct span trust_table(const struct trust *t);
int trust_get(struct rd *r, struct span revoked, struct trust *out);

/* For LOAD_DONE and status: what each authority looks like (members of
 * ipc.h), and the CRLs that were verified now, at the time now.  A time that
 * neither the clock nor the program's own date vouches for is not reported as
 * the newest: who has no clock cannot be locked out by a CA's. */
void trust_report(const struct trust *t, int64_t now,
    struct ipc_load_done *done);

/* Is it usable, but of the trust that was in force before? */
bool trust_crl_is_carried(const struct trust_crl *crl);

/* Is this serial of this issuer key revoked?  Binary search. */
bool trust_is_revoked(const struct trust *t, const uint8_t key[32],
    struct span serial);

/* The last second in which all of an authority's usable CRLs that are not
 * stale at `now` still count; 0 if it has none, or none is looked at. */
int64_t trust_fresh_until(const struct trust_authority *a, int64_t now);

/* The later of the clock and the newest verified thisUpdate. */
int64_t trust_time(const struct trust_authority *a, int64_t now);

#endif
