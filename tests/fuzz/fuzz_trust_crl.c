/* A CRL's list, as a CA that signs anything could write it. */
#include "fuzz.h"
#include "x509/trust_crl.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[32];
	struct trust_crl_list list = { 0 };
	struct slice_crl crl;
	struct trust_crl out;
	struct why why;

	if (slice_crl((struct span){ data, size }, &crl, &why) != 0)
		return 0;
	if (trust_crl_read(&crl, key, 1800000000, &out, &list, &why) == 0) {
		CHECK(out.usable && out.revoked == list.n &&
		    out.number_len > 0 && out.next_update >= out.this_update);
		trust_crl_sort(&list);
		for (size_t i = 0; i < list.n; i++)
			CHECK(list.entry[i].serial_len > 0 &&
			    list.entry[i].serial[0] != 0);
	} else {
		CHECK(list.n == 0);
	}
	free(list.entry);
	return 0;
}
