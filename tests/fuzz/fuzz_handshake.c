/*
 * Reader of TLS transcripts.  The random asked for is 32 times 0x11, our
 * certificate the bytes "own certificate".
 */
#include "fuzz.h"

#include "base/err.h"
#include "x509/handshake.h"

static void
inside(struct span part, const uint8_t *data, size_t size)
{
	if (part.n == 0)
		return;
	CHECK(part.p >= data && part.p + part.n <= data + size);
}

/* Every message in turn: they cover the bytes, one behind the other. */
static void
walk(const uint8_t *data, size_t size)
{
	struct rd r = rd_of(data, size);

	while (r.n > 0) {
		const uint8_t *at = r.p;
		struct handshake_msg m = handshake_next(&r);

		if (r.err != 0)
			return;
		CHECK(m.whole.p == at && m.whole.n == m.body.n + 4);
		CHECK(at + m.whole.n == r.p);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t own[] = "own certificate";
	uint8_t *copy = fuzz_copy(data, size), random[32];
	struct handshake_server s;
	struct rd r = rd_of(copy, size);
	struct why why;

	memset(random, 0x11, sizeof(random));
	walk(copy, size);
	if (handshake_server(&r, (struct span){ random, sizeof(random) },
	    (struct span){ own, sizeof(own) - 1 }, &s, &why) == 0) {
		inside(s.first_hello, copy, size);
		inside(s.rest, copy, size);
		inside(s.extensions, copy, size);
		inside(s.leaf, copy, size);
		CHECK(s.rest.p + s.rest.n == r.p);
		CHECK((s.rest.p == copy) == !s.retried);
		CHECK(s.leaf.n == sizeof(own) - 1);
		CHECK(memcmp(s.leaf.p, own, s.leaf.n) == 0);
	}
	free(copy);
	return 0;
}
