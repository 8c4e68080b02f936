/*
 * What the fuzz targets share: a check that ends the run, and taking a few
 * bytes of the input for settings.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A finding: libFuzzer shows the stack and keeps the input. */
#define CHECK(cond) ((cond) ? (void)0 : abort())

static inline uint8_t
fuzz_u8(const uint8_t **data, size_t *size)
{
	if (*size == 0)
		return 0;
	(*size)--;
	return *(*data)++;
}

/* A copy of its own, so that a read behind the end is seen. */
static inline uint8_t *
fuzz_copy(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + (size == 0));

	CHECK(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

/* b (behind `skip` bytes of header) holds what was decoded. */
static inline void
fuzz_same(const struct buf *b, size_t skip, struct span body)
{
	CHECK(buf_err(b) == 0);
	CHECK(b->len == skip + body.n);
	CHECK(body.n == 0 || memcmp(b->data + skip, body.p, body.n) == 0);
}

#endif
