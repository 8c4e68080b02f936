#include "map/hand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "map/ask.h"
#include "map/cards.h"
#include "map/reach.h"
#include "map/report.h"
#include "map/say.h"
#include "x509/pattern.h"

/* ---- the rule ----------------------------------------------------------------------- */

/* The certificate's URI, if it has one, in a form that rules match. */
static const char *
only_uri(const struct ipc_tested *t)
{
	const char *found = NULL;

	for (size_t i = 0; i < t->n_names; i++) {
		if (strncmp(t->name[i], "uri=", 4) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = t->name[i] + 4;
	}
	return found != NULL && pattern_uri_form(found) &&
	    strpbrk(found, "*\"\\") == NULL ? found : NULL;
}

int
hand_rule(const struct trust_conf *conf, const struct ipc_tested *t,
    const char *accounts, const char *more, char dst[MAP_LINE_MAX + 1],
    const char **why_so, struct why *why)
{
	const struct trust_rules *rules = reach_authority(conf,
	    t->authority);
	const char *uri = only_uri(t), *matcher = "uri=", *value = uri;
	int n;

	if (rules == NULL || rules->class == FACTS_HOST)
		return why_set(why, ERR_REFUSED, "authority %s is of hosts, "
		    "which do not log in here", t->authority);
	*why_so = "by its URI, which outlives a renewal: names= of the "
	    "authority lists URIs";
	if (uri == NULL || !reach_lists_uris(rules)) {
		matcher = "spki=";
		value = t->spki;
		*why_so = uri == NULL ? "by its key: it has not one URI that "
		    "a rule could match" : "by its key: names= of the "
		    "authority lists no URIs, so nothing says who may be "
		    "called so";
	}
	/* it is the judge's word, and ends where the accounts begin */
	if (value[strcspn(value, " \t\"\\")] != '\0')
		return why_set(why, ERR_MALFORMED, "'%s' of the certificate "
		    "is no value of %s", value, matcher);
	n = snprintf(dst, MAP_LINE_MAX + 1, "allow %s %s %s%s as %s%s%s",
	    facts_class_name(rules->class), t->authority, matcher, value,
	    accounts, more != NULL ? " " : "", more != NULL ? more : "");
	return n <= MAP_LINE_MAX ? 0 : why_set(why, ERR_TOOBIG, "expected a "
	    "rule of at most %d bytes", MAP_LINE_MAX);
}

/* ---- the certificate ----------------------------------------------------------------- */

static int
refused(const struct ipc_tested *t)
{
	report_certificate(t);
	return say_error(EXIT_PROBLEM, "no rule was made, for nobody gets in "
	    "with this certificate: %s (%s: %s)", t->reason,
	    t->check[t->failed].name, t->detail);
}

static int
ask(const struct options *o, struct ipc_tested *out)
{
	struct ipc_test question = { .verify_only = true,
	    .now = (int64_t)time(NULL) };

	return ask_test(o, NULL, &question, out);
}

int
hand_find(const struct context *c, struct ipc_tested *out)
{
	struct options o = *c->o;
	int rc;

	if (o.from_token)
		rc = cards_choose(&o, ask, out);
	else {
		o.cert = o.from_cert;
		rc = ask(&o, out);
	}
	if (rc != EXIT_DONE)
		return rc;
	return out->accepted ? EXIT_DONE : refused(out);
}
