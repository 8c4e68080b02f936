/*
 * The judge's reader of whole handshakes, through the client's proof.  The
 * random asked for is 32 times 0x11, our certificate the bytes "own
 * certificate".  What was read is also verified, with a key that nobody used:
 * it never holds.
 */
#include "fuzz.h"

#include "base/err.h"
#include "judge/transcript.h"

/* P-256, RFC 5903 8.1 */
static const uint8_t spki[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
	0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03,
	0x42, 0x00, 0x04,
	0xda, 0xd0, 0xb6, 0x53, 0x94, 0x22, 0x1c, 0xf9, 0xb0, 0x51, 0xe1, 0xfe,
	0xca, 0x57, 0x87, 0xd0, 0x98, 0xdf, 0xe6, 0x37, 0xfc, 0x90, 0xb9, 0xef,
	0x94, 0x5d, 0x0c, 0x37, 0x72, 0x58, 0x11, 0x80,
	0x52, 0x71, 0xa0, 0x46, 0x1c, 0xdb, 0x82, 0x52, 0xd6, 0x1f, 0x1c, 0x45,
	0x6f, 0xa3, 0xe5, 0x9a, 0xb1, 0xf4, 0x5b, 0x33, 0xac, 0xcf, 0x5f, 0x58,
	0x38, 0x9e, 0x05, 0x77, 0xb8, 0x99, 0x0b, 0xb3,
};

static void
look_at(const struct transcript *t, const uint8_t *data, size_t size)
{
	struct why why;

	CHECK(t->n >= 1 && t->n <= IPC_CHAIN_MAX);
	for (size_t i = 0; i < t->n; i++) {
		CHECK(t->chain[i].p >= data);
		CHECK(t->chain[i].p + t->chain[i].n <= data + size);
		CHECK(t->chain[i].n >= 1 && t->chain[i].n <= IPC_CERT_MAX);
	}
	CHECK(t->hashed.p == t->server.rest.p);
	CHECK(t->hashed.n > t->server.rest.n);
	/* scheme, length and signature are all that follows */
	CHECK(t->hashed.p + t->hashed.n + 8 + t->signature.n == data + size);
	CHECK(transcript_verify(t, (struct span){ spki, sizeof(spki) },
	    &why) != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t own[] = "own certificate";
	uint8_t *copy = fuzz_copy(data, size), random[32];
	struct span all = { copy, size }, any = { NULL, 0 };
	struct span asked = { random, sizeof(random) };
	struct transcript t;
	struct why why;

	memset(random, 0x11, sizeof(random));
	if (transcript_read(all, asked, (struct span){ own, sizeof(own) - 1 },
	    &t, &why) == 0)
		CHECK(transcript_read(all, asked, any, &t, &why) == 0);
	/* as in a review: whatever our certificate was */
	if (transcript_read(all, asked, any, &t, &why) == 0)
		look_at(&t, copy, size);
	free(copy);
	return 0;
}
