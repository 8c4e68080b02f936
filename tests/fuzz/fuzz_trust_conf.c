/* trust.conf, and loading what it names where nothing is there. */
#include "fuzz.h"
#include "x509/trust.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trust_conf c;
	struct trust t;
	struct diag diag;
	int r;

	diag_init(&diag);
	r = trust_conf_parse(&c, "fuzz", (const char *)data, size, &diag);
	CHECK((r == 0) == (diag.errors == 0));
	if (r == 0) {
		/* there is no authority without an anchor */
		CHECK(trust_load(&t, "fuzz", &c, NULL, 0, NULL, 0,
		    &diag) != 0);
		trust_free(&t);
	}
	trust_conf_free(&c);
	diag_free(&diag);
	return 0;
}
