#include "daemon/metrics.h"

#include <stdio.h>
#include <time.h>

#include "base/mono.h"
#include "proto/ctlmsg.h"
#include "proto/ipc.h"

#define US 1000000

/* Microseconds; a PIN that a person types lies in the upper ones. */
static const struct {
	int64_t us;
	const char *seconds;
} bounds[METRICS_BOUNDS] = {
	{ 5000, "0.005" }, { 10000, "0.01" }, { 25000, "0.025" },
	{ 50000, "0.05" }, { 100000, "0.1" }, { 250000, "0.25" },
	{ 500000, "0.5" }, { 1 * US, "1" }, { 2500000, "2.5" },
	{ 5 * US, "5" }, { 10 * US, "10" }, { 30 * US, "30" },
	{ 60 * US, "60" },
};

static const struct {
	const char *result, *reason;
} results[METRICS_RESULTS] = {
	[METRICS_ADMITTED] = { "admitted", "" },
	[METRICS_CERTIFICATE] = { "refused", "certificate" },
	[METRICS_EXPIRED] = { "refused", "expired" },
	[METRICS_REVOKED] = { "refused", "revoked" },
	[METRICS_MAP] = { "refused", "map" },
	[METRICS_ACCOUNT] = { "refused", "account" },
	[METRICS_HANDSHAKE] = { "failed", "handshake" },
	[METRICS_TIMEOUT] = { "failed", "timeout" },
	[METRICS_FAULT] = { "failed", "fault" },
};

void
metrics_took(struct metrics_times *t, int64_t begun)
{
	int64_t us = mono_us() - begun;
	size_t i = 0;

	while (i < METRICS_BOUNDS && us > bounds[i].us)
		i++;
	t->count[i]++;
	t->sum += (uint64_t)us;
}

void
metrics_reloaded(struct metrics *m, bool good)
{
	if (good)
		m->reloads++;
	else
		m->failed_reloads++;
	m->last_reload = (int64_t)time(NULL);
}

enum metrics_result
metrics_refusal(uint8_t kind)
{
	switch (kind) {
	case IPC_REFUSAL_HANDSHAKE:
		return METRICS_HANDSHAKE;
	case IPC_REFUSAL_CERTIFICATE:
		return METRICS_CERTIFICATE;
	case IPC_REFUSAL_EXPIRED:
		return METRICS_EXPIRED;
	case IPC_REFUSAL_REVOKED:
		return METRICS_REVOKED;
	case IPC_REFUSAL_MAP:
		return METRICS_MAP;
	case IPC_REFUSAL_ACCOUNT:
		return METRICS_ACCOUNT;
	default:
		return METRICS_FAULT;
	}
}

uint64_t
metrics_refused(const struct metrics *m)
{
	uint64_t n = 0;

	for (size_t i = METRICS_ADMITTED + 1; i < METRICS_RESULTS; i++)
		n += m->result[i];
	return n;
}

static void
put_times(struct buf *b, const char *name, const struct metrics_times *t)
{
	char all[CTLMSG_NAME_MAX];
	uint64_t n = 0;

	for (size_t i = 0; i <= METRICS_BOUNDS; i++) {
		n += t->count[i];
		ctlmsg_record(b, name);
		ctlmsg_text(b, "le", "%s", i < METRICS_BOUNDS ?
		    bounds[i].seconds : "+Inf");
		ctlmsg_number(b, "count", n);
	}
	(void)snprintf(all, sizeof(all), "%s-all", name);
	ctlmsg_record(b, all);
	ctlmsg_text(b, "seconds", "%llu.%06llu",
	    (unsigned long long)(t->sum / US),
	    (unsigned long long)(t->sum % US));
	ctlmsg_number(b, "count", n);
}

static void
put_count(struct buf *b, const char *about, const char *result,
    uint64_t count)
{
	ctlmsg_record(b, about);
	ctlmsg_text(b, "result", "%s", result);
	ctlmsg_number(b, "count", count);
}

void
metrics_put(struct buf *b, const struct metrics *m)
{
	for (size_t i = 0; i < METRICS_RESULTS; i++) {
		put_count(b, "logins", results[i].result, m->result[i]);
		ctlmsg_text(b, "reason", "%s", results[i].reason);
	}
	put_times(b, "handshake-time", &m->handshake);
	put_times(b, "login-time", &m->login);
	put_count(b, "reloads", "done", m->reloads);
	put_count(b, "reloads", "failed", m->failed_reloads);
}
