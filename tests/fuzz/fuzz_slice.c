/* A certificate or a CRL, cut; what is cut lies within what was given. */
#include "fuzz.h"
#include "x509/sig.h"
#include "x509/slice.h"

static void
within(struct span part, struct span all)
{
	CHECK(part.n == 0 || (part.p >= all.p &&
	    part.p + part.n <= all.p + all.n));
}

static void
walk(struct span extensions)
{
	struct rd r = rd_of_span(extensions);
	struct slice_extension x;
	int more;

	while ((more = slice_extension_next(&r, &x)) == 1)
		within(x.value, extensions);
	/* slice_cert() and slice_crl() have looked */
	CHECK(more == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span der = { data, size };
	struct slice_cert cert;
	struct slice_crl crl;
	struct why why;
	int64_t t;

	if (slice_cert(der, &cert, &why) == 0) {
		within(cert.tbs, der);
		within(cert.signature, der);
		within(cert.serial, der);
		within(cert.spki, der);
		walk(cert.extensions);
		CHECK(slice_time(cert.not_before, &t) == 0);
		(void)sig_key_check(cert.spki, NULL, &why);
		(void)sig_algorithm_check(cert.algorithm, &why);
	}
	if (slice_crl(der, &crl, &why) == 0) {
		within(crl.tbs, der);
		within(crl.signature, der);
		within(crl.revoked, der);
		walk(crl.extensions);
		CHECK(slice_time(crl.this_update, &t) == 0);
	}
	return 0;
}
