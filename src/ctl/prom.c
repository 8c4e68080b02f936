#include "ctl/prom.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define LABELS 2

/* A family: which value of which records it shows, with which labels. */
static const struct family {
	const char *name, *type, *help;
	const char *about;		/* the records */
	const char *value;		/* NULL: always 1 */
	struct {
		const char *label, *from;
	} label[LABELS];
} families[] = {
	{ "certlogin_build_info", "gauge", "Version of the running "
	    "certlogind.", "daemon", NULL, { { "version", "version" } } },
	{ "certlogin_start_time_seconds", "gauge", "When certlogind was "
	    "started.", "daemon", "started", { { NULL, NULL } } },
	{ "certlogin_logins_total", "counter", "Connections that said "
	    "something, by how they came out: admitted, refused (a "
	    "certificate was shown with its key) or failed before that.",
	    "logins", "count", { { "result", "result" },
	    { "reason", "reason" } } },
	{ "certlogin_connections_closed_total", "counter", "Connections "
	    "closed before any process was started for them, by the limit "
	    "that they met.", "closed", "count",
	    { { "reason", "reason" } } },
	{ "certlogin_connections_waiting", "gauge", "Connections that are "
	    "not logged in yet.", "daemon", "waiting", { { NULL, NULL } } },
	{ "certlogin_sessions", "gauge", "Live sessions.", "daemon",
	    "sessions", { { NULL, NULL } } },
	{ "certlogin_handshake_duration_seconds", "histogram", "From the "
	    "first byte of a connection until its handshake was complete and "
	    "an account asked for; the time that a person takes for a PIN is "
	    "in it.", "handshake-time", NULL, { { NULL, NULL } } },
	{ "certlogin_login_duration_seconds", "histogram", "From the first "
	    "byte of a connection until its session was open: handshake, "
	    "verdict and PAM; only of those admitted.", "login-time", NULL,
	    { { NULL, NULL } } },
	{ "certlogin_reloads_total", "counter", "Loads of configuration, "
	    "host key or policy behind the start, by how they ended.",
	    "reloads", "count", { { "result", "result" } } },
	{ "certlogin_last_reload_timestamp_seconds", "gauge", "When the last "
	    "reload ended, however.", "daemon", "last-reload",
	    { { NULL, NULL } } },
	{ "certlogin_last_reload_successful", "gauge", "1 if everything that "
	    "is in force is what its files say, 0 if a reload failed, or a CRL "
	    "was carried over, and that was not made good.", "health",
	    "reload-good", { { NULL, NULL } } },
	{ "certlogin_policy_loaded_timestamp_seconds", "gauge", "When the "
	    "policy in force was loaded.", "daemon", "loaded",
	    { { NULL, NULL } } },
	{ "certlogin_problems", "gauge", "Problems that status lists.",
	    "health", "problems", { { NULL, NULL } } },
	{ "certlogin_rules", "gauge", "Rules of the identity map.", "daemon",
	    "rules", { { NULL, NULL } } },
	{ "certlogin_locks", "gauge", "Locks.", "daemon", "locks",
	    { { NULL, NULL } } },
	{ "certlogin_host_certificate_expiry_timestamp_seconds", "gauge",
	    "When the host's certificate expires.", "daemon",
	    "host-certificate-expires", { { NULL, NULL } } },
	{ "certlogin_anchor_expiry_timestamp_seconds", "gauge", "When the "
	    "first anchor of the authority expires.", "authority",
	    "anchors-expire", { { "authority", "name" } } },
	{ "certlogin_crl_usable", "gauge", "1 if the authority's files hold a "
	    "CRL of every anchor, verified and not rolled back.", "crl",
	    "usable", { { "authority", "authority" } } },
	{ "certlogin_crl_carried", "gauge", "1 if a CRL of the authority that "
	    "was loaded before stays in force, since what is in its file "
	    "cannot be used.", "crl", "carried",
	    { { "authority", "authority" } } },
	{ "certlogin_crl_age_seconds", "gauge", "Time since the CRL of the "
	    "authority was made.", "authority", "crl-age",
	    { { "authority", "name" } } },
	{ "certlogin_crl_next_update_timestamp_seconds", "gauge", "When the "
	    "CRL of the authority expires.", "authority", "crl-next-update",
	    { { "authority", "name" } } },
	{ "certlogin_crl_revoked_certificates", "gauge", "Entries of the CRL "
	    "of the authority.", "authority", "revoked",
	    { { "authority", "name" } } },
};

int
prom_item(void *ctx, const struct ctlmsg_item *item)
{
	struct buf *b = &((struct prom *)ctx)->items;

	ctlmsg_put(b, item);
	return buf_err(b);
}

/* ---- one record ----------------------------------------------------------------- */

/* The record that r begins with: views of its items.  1, 0 at the end, or a
 * negative code. */
static int
next_record(struct rd *r, char about[CTLMSG_NAME_MAX], struct rd *items)
{
	struct ctlmsg_item item;
	struct rd before;
	int e = ctlmsg_next(r, &item);

	if (e <= 0)
		return e;
	if (item.kind != CTLMSG_RECORD)
		return ERR_MALFORMED;
	(void)snprintf(about, CTLMSG_NAME_MAX, "%s", item.name);
	*items = *r;
	do
		before = *r;
	while ((e = ctlmsg_next(r, &item)) > 0 &&
	    item.kind != CTLMSG_RECORD);
	if (e < 0)
		return e;
	items->n -= before.n;
	*r = before;
	return 1;
}

static bool
find(struct rd items, const char *name, struct ctlmsg_item *item)
{
	while (ctlmsg_next(&items, item) > 0)
		if (strcmp(item->name, name) == 0)
			return true;
	return false;
}

/* ---- printing ------------------------------------------------------------------- */

/* In double quotes, printable ASCII. */
static void
print_label(const char *label, const char *value)
{
	(void)printf("%s=\"", label);
	for (const char *p = value; *p != '\0'; p++)
		if (*p == '\n')
			(void)fputs("\\n", stdout);
		else if (*p == '"' || *p == '\\')
			(void)printf("\\%c", *p);
		else if (*p < 0x20 || *p > 0x7e)
			(void)printf("\\\\x%02x", (unsigned char)*p);
		else
			(void)putchar(*p);
	(void)putchar('"');
}

/* The labels that have a value, in braces; nothing where none has. */
static void
print_labels(const struct family *f, struct rd items)
{
	struct ctlmsg_item item;
	bool any = false;

	for (size_t i = 0; i < LABELS && f->label[i].label != NULL; i++) {
		if (!find(items, f->label[i].from, &item) ||
		    item.text[0] == '\0')
			continue;
		(void)putchar(any ? ',' : '{');
		print_label(f->label[i].label, item.text);
		any = true;
	}
	if (any)
		(void)putchar('}');
}

static bool
is_decimal(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n > 0 && (s[n] == '\0' || (s[n] == '.' &&
	    s[n + 1] != '\0' && s[n + 1 + strspn(s + n + 1, "0123456789")] ==
	    '\0'));
}

/* What stands behind the blank; false if there is no number. */
static bool
number_of(const struct ctlmsg_item *item, char *dst, size_t size)
{
	if (item->kind == CTLMSG_NUMBER)
		(void)snprintf(dst, size, "%" PRIu64, item->number);
	else if (item->kind == CTLMSG_TIME && item->time != 0)
		(void)snprintf(dst, size, "%" PRId64, item->time);
	else if (item->kind == CTLMSG_TEXT && is_decimal(item->text))
		(void)snprintf(dst, size, "%s", item->text);
	else
		return false;
	return true;
}

static bool
value_of(struct rd items, const char *name, char *dst, size_t size)
{
	struct ctlmsg_item item;

	return find(items, name, &item) && number_of(&item, dst, size);
}

static void
print_head(const struct family *f, bool *begun)
{
	if (!*begun)
		(void)printf("# HELP %s %s\n# TYPE %s %s\n", f->name,
		    f->help, f->name, f->type);
	*begun = true;
}

static void
print_sample(const struct family *f, struct rd items, bool *begun)
{
	char value[64] = "1";

	if (f->value != NULL &&
	    !value_of(items, f->value, value, sizeof(value)))
		return;
	print_head(f, begun);
	(void)fputs(f->name, stdout);
	print_labels(f, items);
	(void)printf(" %s\n", value);
}

/* ABOUT has the buckets, ABOUT-all sum and count. */
static void
print_histogram(const struct family *f, const char *about, struct rd items,
    bool *begun)
{
	size_t n = strlen(f->about);
	struct ctlmsg_item le;
	char count[64], sum[64];

	if (strncmp(about, f->about, n) != 0 ||
	    !value_of(items, "count", count, sizeof(count)))
		return;
	if (about[n] == '\0' && find(items, "le", &le)) {
		print_head(f, begun);
		(void)printf("%s_bucket{", f->name);
		print_label("le", le.text);
		(void)printf("} %s\n", count);
	} else if (strcmp(about + n, "-all") == 0 &&
	    value_of(items, "seconds", sum, sizeof(sum))) {
		print_head(f, begun);
		(void)printf("%s_sum %s\n%s_count %s\n", f->name, sum,
		    f->name, count);
	}
}

static void
print_family(const struct family *f, struct rd r)
{
	char about[CTLMSG_NAME_MAX];
	struct rd items;
	bool begun = false;

	while (next_record(&r, about, &items) > 0)
		if (strcmp(f->type, "histogram") == 0)
			print_histogram(f, about, items, &begun);
		else if (strcmp(about, f->about) == 0)
			print_sample(f, items, &begun);
}

int
prom_print(const struct prom *p)
{
	char about[CTLMSG_NAME_MAX];
	struct rd r = rd_of_buf(&p->items), items;
	int e;

	while ((e = next_record(&r, about, &items)) > 0)
		;
	if (e != 0)
		return e;
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		print_family(&families[i], rd_of_buf(&p->items));
	return 0;
}
