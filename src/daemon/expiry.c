#include "daemon/expiry.h"

#include <time.h>

#include "base/log.h"
#include "daemon/hostkey.h"

#define DAY 86400
#define AHEAD (30 * DAY)

static void
warn_of(const char *what, const char *name, int64_t when, int64_t now,
    const char *todo)
{
	if (when == 0 || when - now > AHEAD)
		return;
	if (when <= now)
		log_error("%s%s has expired; %s", what, name, todo);
	else
		log_warn("%s%s expires in %lld days; %s", what, name,
		    (long long)((when - now) / DAY), todo);
}

void
expiry_warn(const struct daemon *d)
{
	const struct setup *u = d->setup;
	int64_t now = (int64_t)time(NULL);

	warn_of("host certificate ", u->conf.certificate,
	    u->hostkey->not_after, now, "have a new one issued and reload");
	for (size_t i = 0; i < u->done.n; i++) {
		const struct ipc_authority *a = &u->done.authority[i];

		warn_of("anchor of authority ", a->name, a->anchors_expire,
		    now, "add the CA's next certificate to trust.conf");
		/* a CRL lives for days only: warn when half a week is left */
		if (a->has_crl && a->next_update - now < 3 * DAY)
			warn_of("CRL of authority ", a->name, a->next_update,
			    now, "copy a fresh one and reload");
		if (a->crl_problem[0] != '\0')
			log_error("CRL of authority %s: %s", a->name,
			    a->crl_problem);
	}
}
