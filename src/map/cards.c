#include "map/cards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memfile.h"
#include "base/prompt.h"
#include "map/reader.h"
#include "map/say.h"

/* ---- which ---------------------------------------------------------------------------- */

/* The id of a certificate, written in hex with or without colons? */
static bool
is_id(const struct p11_cert *c, const char *text)
{
	char hex[2 * P11_ID_MAX + 1], given[2 * P11_ID_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < c->id_len; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", c->id[i]);
	hex[2 * c->id_len] = '\0';
	for (; *text != '\0' && n < sizeof(given) - 1; text++)
		if (*text != ':')
			given[n++] = *text;
	given[n] = '\0';
	return *text == '\0' && n > 0 && strcasecmp(hex, given) == 0;
}

static bool
is_wanted(const struct options *o, const struct p11_cert *c)
{
	return (o->label == NULL || strcmp(o->label, c->label) == 0) &&
	    (o->id == NULL || is_id(c, o->id));
}

static void
show(size_t number, const struct p11_cert *c, const struct ipc_tested *t)
{
	char until[SAY_TIME_MAX];

	(void)printf("%3zu  %s, %s, id ", number, c->token, c->label);
	for (size_t i = 0; i < c->id_len; i++)
		(void)printf("%02x", c->id[i]);
	if (t->accepted)
		(void)printf(": %s, until %s\n", t->subject, say_time(until,
		    t->not_after));
	else
		(void)printf(": refused: %s\n", t->reason);
}

static int
judge(const struct options *o, const struct p11_cert *c, cards_ask *ask,
    struct ipc_tested *out)
{
	struct options one = *o;
	char path[64];
	int fd = memfile_make("certificate", c->der, c->der_len), rc;

	if (fd < 0)
		return say_error(EXIT_COULD_NOT, "%s", err_text(fd));
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	one.cert = path;
	rc = ask(&one, out);
	(void)close(fd);
	return rc;
}

/* ---- choosing ------------------------------------------------------------------------- */

/* The place of the one that the person names among n. */
static int
ask_number(size_t n, size_t *number)
{
	char question[64], answer[16], *end;
	struct why why;
	unsigned long v;
	int r;

	(void)fflush(stdout);
	(void)snprintf(question, sizeof(question), "Which certificate? "
	    "[1-%zu] ", n);
	r = prompt_line(question, answer, sizeof(answer), &why);
	if (r == ERR_STATE)
		return say_error(EXIT_PROBLEM, "%zu certificates, and %s: "
		    "expected --label or --id of one", n, why.text);
	if (r != 0)
		return say_error(EXIT_PROBLEM, "%s", why.text);
	v = strtoul(answer, &end, 10);
	if (answer[0] < '0' || answer[0] > '9' || *end != '\0' || v < 1 ||
	    v > n)
		return say_error(EXIT_PROBLEM, "'%s': expected a number from "
		    "1 to %zu", answer, n);
	*number = (size_t)v;
	return EXIT_DONE;
}

static int
choose(const struct options *o, const struct reader *r, cards_ask *ask,
    const struct p11_cert **chosen)
{
	const struct p11_cert *wanted[P11_CERTS_MAX];
	struct ipc_tested *t = calloc(1, sizeof(*t));
	size_t n = 0, number = 1;
	int rc = EXIT_DONE;

	if (t == NULL)
		return say_error(EXIT_COULD_NOT, "out of memory");
	for (size_t i = 0; i < r->n && n < P11_CERTS_MAX; i++)
		if (is_wanted(o, &r->cert[i]))
			wanted[n++] = &r->cert[i];
	for (size_t i = 0; n > 1 && i < n && rc == EXIT_DONE; i++)
		if ((rc = judge(o, wanted[i], ask, t)) == EXIT_DONE)
			show(i + 1, wanted[i], t);
	free(t);
	if (rc == EXIT_DONE && n == 0)
		rc = say_error(EXIT_PROBLEM, "%zu certificate%s with a key in "
		    "the readers, none of them wanted", r->n,
		    r->n == 1 ? "" : "s");
	if (rc == EXIT_DONE && n > 1)
		rc = ask_number(n, &number);
	if (rc == EXIT_DONE)
		*chosen = wanted[number - 1];
	return rc;
}

int
cards_choose(const struct options *o, cards_ask *ask, struct ipc_tested *out)
{
	struct reader r = READER_NONE;
	const struct p11_cert *chosen = NULL;
	struct why why;
	int rc;

	if (reader_configure(&r, o, &why) != 0 || reader_list(&r, &why) != 0)
		rc = say_error(EXIT_COULD_NOT, "%s", why.text);
	else if ((rc = choose(o, &r, ask, &chosen)) == EXIT_DONE)
		rc = judge(o, chosen, ask, out);
	reader_close(&r);
	return rc;
}
