/* A loaded trust as bytes: what is taken is written again as it was. */
#include "fuzz.h"
#include "x509/trust.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t serial[] = { 0x40, 0, 0, 0, 1 };
	struct rd r = rd_of(data, size);
	struct ipc_load_done *done;
	struct trust t;
	struct buf b;

	if (trust_get(&r, &t) != 0)
		return 0;
	(void)trust_is_revoked(&t, t.authority[0].anchor[0].key,
	    (struct span){ serial, sizeof(serial) });
	if ((done = calloc(1, sizeof(*done))) != NULL)
		trust_report(&t, done, NULL, 0);
	free(done);
	buf_init(&b, 64u << 20);
	trust_put(&b, &t);
	fuzz_same(&b, 0, (struct span){ data, size - r.n });
	buf_free(&b);
	trust_free(&t);
	return 0;
}
