/* A loaded trust as bytes: what is taken is written again as it was.  The input
 * ends in a table of revoked certificates, which is searched whatever it holds.
 */
#include "fuzz.h"
#include "x509/trust.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t serial[] = { 0x40, 0, 0, 0, 1 };
	uint16_t n = size < 2 ? 0 : (uint16_t)(data[0] << 8 | data[1]);
	struct span flat, table;
	struct rd r = rd_of(data, size);
	struct ipc_load_done *done;
	struct trust t;
	struct buf b;

	(void)rd_u16(&r);
	flat = rd_raw(&r, n);
	table = rd_rest(&r);
	r = rd_of_span(flat);
	if (trust_get(&r, table, &t) != 0)
		return 0;
	(void)trust_is_revoked(&t, t.authority[0].anchor[0].key,
	    (struct span){ serial, sizeof(serial) });
	if ((done = calloc(1, sizeof(*done))) != NULL)
		trust_report(&t, 0, done);
	free(done);
	buf_init(&b, 64u << 20);
	trust_put(&b, &t);
	fuzz_same(&b, 0, (struct span){ flat.p, flat.n - r.n });
	CHECK(span_eq(trust_table(&t), table));
	buf_free(&b);
	trust_free(&t);
	return 0;
}
