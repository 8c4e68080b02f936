/* The INI reader, with a table that has a key of each type. */
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/ini.h"

struct target {
	char *text;
	uint32_t count, wait;
	bool on;
	int word;
};

static const char *const words[] = { "none", "require", "grace", NULL };

static int
call(void *target, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	(void)target;
	(void)key;
	(void)pos;
	return value[0] == 'x' ? -1 : 0;
}

static const struct ini_key keys[] = {
	{ .name = "text", .type = INI_STRING,
	    .offset = offsetof(struct target, text), .min = 1, .max = 100 },
	{ .name = "count", .type = INI_UINT,
	    .offset = offsetof(struct target, count), .max = 4096 },
	{ .name = "wait", .type = INI_DURATION,
	    .offset = offsetof(struct target, wait), .max = UINT32_MAX },
	{ .name = "on", .type = INI_BOOL,
	    .offset = offsetof(struct target, on) },
	{ .name = "word", .type = INI_ENUM, .words = words,
	    .offset = offsetof(struct target, word) },
	{ .name = "call", .type = INI_CALL, .call = call,
	    .flags = INI_REPEAT },
	{ .name = NULL },
};

static void *
begin(void *ctx, const char *sub, const struct ini_pos *pos)
{
	(void)sub;
	(void)pos;
	return ctx;
}

static const struct ini_section sections[] = {
	{ .name = "daemon", .keys = keys, .begin = begin },
	{ .name = "authority", .named = true, .keys = keys, .begin = begin },
	{ .name = NULL },
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct target target = { .text = NULL };
	struct diag diag;

	diag_init(&diag);
	(void)ini_parse("fuzz", (const char *)data, size, sections, &target,
	    &diag);
	ini_free(keys, &target);
	diag_free(&diag);
	return 0;
}
