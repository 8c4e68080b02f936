/*
 * The reader of all our INI files, one table a file.
 *
 * [section] or [section name]; key = value; comments (# or ;) on lines of
 * their own only; keys ignore case, '-' and '_'; values are taken whole, with
 * blanks trimmed at both ends; no continuation lines, no quotes.  Unknown
 * sections, unknown keys and repeated keys (unless INI_REPEAT) are errors.
 * Limits: INI_FILE_MAX bytes, INI_LINE_MAX bytes a line; only printable
 * ASCII, tabs and valid newlines.
 */
#ifndef BASE_INI_H
#define BASE_INI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

#define INI_FILE_MAX (256 * 1024)
#define INI_LINE_MAX 4096

enum ini_type {
	INI_STRING,	/* char *: allocated, owned by the structure */
	INI_UINT,	/* uint32_t, min..max */
	INI_BOOL,	/* bool: yes no true false on off 1 0 */
	INI_DURATION,	/* uint32_t seconds: 90 90s 10m 24h 30d, min..max */
	INI_ENUM,	/* int: index into the word list */
	INI_CALL,	/* parsed by the row's own function */
};

struct ini_key;
/* Where a value stands, for messages. */
struct ini_pos {
	struct diag *diag;
	const char *file;
	unsigned line, column;
};
/* Own parser of a value: 0, or negative after adding its error to pos. */
typedef int ini_call_fn(void *target, const struct ini_key *key,
    const char *value, const struct ini_pos *pos);

struct ini_key {
	const char *name;		/* as documented, e.g. "max-lifetime" */
	enum ini_type type;
	size_t offset;			/* of the member in the target */
	uint32_t min, max;		/* UINT and DURATION; STRING: length */
	const char *const *words;	/* ENUM, NULL-terminated */
	ini_call_fn *call;		/* CALL */
	int flags;
#define INI_REPEAT 1			/* CALL keys that may come again */
#define INI_REQUIRED 2
};

struct ini_section {
	const char *name;		/* "daemon", "authority" */
	bool named;			/* [authority NAME] */
	const struct ini_key *keys;	/* ended by name == NULL */
	/* Called at each section head; returns the structure that the keys
	 * fill (already holding the defaults), or NULL after adding an error.
	 * sub is the name behind the section word, or "". */
	void *(*begin)(void *ctx, const char *sub, const struct ini_pos *pos);
};

/*
 * Parse text (n bytes) of file (name for messages) by sections (ended by
 * name == NULL).  Every error is added to diag.  Returns 0 if there was none,
 * else ERR_MALFORMED; what was filled until then stays with the caller.
 */
int ini_parse(const char *file, const char *text, size_t n,
    const struct ini_section *sections, void *ctx, struct diag *diag);

/* Set one key of a table from "key=value" (command line -o).  Errors name
 * `place` as the file. */
int ini_set(const char *place, const char *assignment,
    const struct ini_key *keys, void *target, struct diag *diag);

/* Free the INI_STRING members of target. */
void ini_free(const struct ini_key *keys, void *target);

/* A duration as above; 0 or ERR_MALFORMED. */
int ini_duration(const char *text, uint32_t *seconds);

#endif
