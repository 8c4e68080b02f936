/*
 * What a certificate says.  The first byte chooses: a whole certificate to
 * cert_facts(), or the content of Extensions to the readers of extensions,
 * names, name constraints and places of CRLs.
 */
#include "fuzz.h"

#include "x509/cert.h"
#include "x509/constraint.h"
#include "x509/points.h"
#include "x509/slice.h"

static void
printable(const char *text, char least)
{
	for (; *text != '\0'; text++)
		CHECK(*text >= least && *text <= 0x7e);
}

static void
check_names(const struct names *n)
{
	CHECK(n->n <= FACTS_NAMES_MAX);
	for (size_t i = 0; i < n->n; i++) {
		CHECK((unsigned)n->name[i].field < FACTS_FIELDS);
		CHECK(n->name[i].value[0] != '\0');
		printable(n->name[i].value, 0x21);
		CHECK(strchr(n->name[i].value, '*') == NULL);
	}
}

static void
whole(struct span der)
{
	static struct facts f;
	struct names names = { .name = f.names };
	struct why why = { "" };

	if (cert_facts(&f, der, &why) != 0) {
		CHECK(why.text[0] != '\0');
		printable(why.text, ' ');
		return;
	}
	names.n = f.n_names;
	check_names(&names);
	CHECK(f.serial_len >= 1 && f.serial_len <= FACTS_SERIAL_MAX);
	printable(f.issuer, ' ');
	printable(f.subject, ' ');
}

static void
parts(struct span extensions)
{
	static struct facts_name name[FACTS_NAMES_MAX];
	struct names names = { .name = name };
	struct why why = { "" };
	struct points points;
	struct ext e;

	if (points_read(extensions, &points, &why) == 0) {
		CHECK(points.n <= POINTS_MAX);
		CHECK(points.more == 0 || points.n == POINTS_MAX);
		for (size_t i = 0; i < points.n; i++)
			printable(points.uri[i], ' ');
	} else
		printable(why.text, ' ');
	if (ext_read(extensions, &e, &why) != 0 ||
	    names_read(&e, &names, &why) != 0) {
		CHECK(why.text[0] != '\0');
		printable(why.text, ' ');
		return;
	}
	check_names(&names);
	printable(e.unknown, '-');
	if (e.have_constraints &&
	    constraint_check(e.constraints, &names, &why) != 0)
		printable(why.text, ' ');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t which = fuzz_u8(&data, &size);
	uint8_t *copy = fuzz_copy(data, size);

	if ((which & 1) != 0)
		whole((struct span){ copy, size });
	else
		parts((struct span){ copy, size });
	free(copy);
	return 0;
}
