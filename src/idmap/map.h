/*
 * The identity map: text of identity.map(5) to a table of rules.  Pure: no
 * file is opened here.  Grammar and meaning are in the manual.
 */
#ifndef IDMAP_MAP_H
#define IDMAP_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "x509/facts.h"

#define MAP_FILE_MAX (32 * 1024 * 1024)	/* bytes of a map */
#define MAP_LINE_MAX 4096		/* bytes of a line, newline not counted */
#define MAP_RULES_MAX 200000
#define MAP_ACCOUNTS_MAX 32		/* behind one `as` */
#define MAP_LIST_MAX 32			/* values of one from= or service= */

/* What the map needs to know of an authority of trust.conf. */
struct map_authority {
	const char *name;
	enum facts_class class;
	unsigned fold;		/* fold-case: bits 1 << enum facts_field */
};

enum map_matcher { MAP_URI, MAP_EMAIL, MAP_UPN, MAP_DNS, MAP_SERIAL, MAP_SPKI,
    MAP_CERT, MAP_SID, MAP_MATCHERS };

struct map_match {
	enum map_matcher matcher;
	bool wild;		/* value holds * or {name} */
	uint8_t n_bytes;
	const char *value;	/* names, sid: as written, quotes removed */
	const uint8_t *bytes;	/* serial (big endian), spki, cert */
};

struct map_net {
	uint8_t address[16];
	uint8_t len;		/* 4 or 16 bytes */
	uint8_t bits;
};

/* One rule.  Lists are slices of the map's tables: first index and count. */
struct map_rule {
	uint32_t line;			/* 1-based */
	bool deny;
	uint8_t class;			/* enum facts_class */
	uint8_t restrictions;		/* enum ipc_restrict bits */
	uint8_t n_matches, n_accounts, n_services, n_nets;
	uint32_t matches;		/* in map.match */
	uint32_t accounts;		/* in map.word; none in a deny */
	uint32_t services;		/* in map.word; none = any */
	uint32_t nets;			/* in map.net; none = anywhere */
	const char *authority;
	const char *capture;		/* name of `as {name}`, else NULL */
	const char *command;		/* forced command, else NULL */
	int64_t until;			/* first second that is too late, 0 =
					 * none */
};

struct map {
	char *text;			/* owned; strings point into it */
	struct map_rule *rule;
	size_t n;
	struct map_match *match;
	const char **word;
	struct map_net *net;
	size_t n_match, n_word, n_net;
	size_t cap_rule, cap_match, cap_word, cap_net;
};

/*
 * Parse text (n bytes) of file (name for messages) into m, which needs no
 * initialisation.  Every rule's authority must be one of the n_auth given
 * and its class that authority's; auth NULL leaves both out (syntax only).
 * Every error is added to diag with line and column.  Returns 0 and a map to
 * be freed, or ERR_MALFORMED (see diag) or ERR_NOMEM with m empty.
 */
int map_parse(struct map *m, const char *file, const char *text, size_t n,
    const struct map_authority *auth, size_t n_auth, struct diag *diag);
/* The same for a file of locks: an allow is an error there, and an authority
 * that is not one of auth is a warning only, since one file of locks serves
 * every trust.conf of the host. */
int map_parse_locks(struct map *m, const char *file, const char *text,
    size_t n, const struct map_authority *auth, size_t n_auth,
    struct diag *diag);
void map_free(struct map *m);

/* The word of a matcher: "uri", "spki", ... */
const char *map_matcher_name(enum map_matcher matcher);

/* The field of struct facts that a matcher looks at, or FACTS_FIELDS for
 * serial, spki and cert. */
enum facts_field map_matcher_field(enum map_matcher matcher);

#endif
