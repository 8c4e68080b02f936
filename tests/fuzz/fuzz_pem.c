/* Files of certificates: blocks one by one, and all at once. */
#include "fuzz.h"
#include "x509/pem.h"

#define BLOCKS 4

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = { data, size }, der[BLOCKS];
	size_t n = 0, sum = 0;
	struct buf out;
	struct why why;

	buf_init(&out, 1 << 20);
	while (pem_next(&text, "CERTIFICATE", &out, &why) == 1)
		CHECK(text.n < size);
	CHECK(out.len <= size);
	buf_reset(&out);
	if (pem_all((struct span){ data, size }, "CERTIFICATE", &out, der,
	    BLOCKS, &n, &why) == 0) {
		for (size_t i = 0; i < n; i++)
			sum += der[i].n;
		CHECK(n > 0 && n <= BLOCKS && sum == out.len);
	}
	buf_free(&out);
	return 0;
}
