#include "client/explain.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "x509/own.h"

static const struct {
	enum tls_alert alert;
	const char *text;
} alerts[] = {
	{ TLS_ALERT_HANDSHAKE_FAILURE,
	    "the two sides have no algorithm in common" },
	{ TLS_ALERT_BAD_CERTIFICATE,
	    "your certificate is not as the server expects it" },
	{ TLS_ALERT_UNSUPPORTED_CERTIFICATE,
	    "your certificate is of a kind, or for a purpose, that the "
	    "server does not accept" },
	{ TLS_ALERT_CERTIFICATE_REVOKED,
	    "your certificate has been revoked; ask who issued it for a new "
	    "one" },
	{ TLS_ALERT_CERTIFICATE_EXPIRED,
	    "your certificate has expired or is not valid at this time; ask "
	    "who issued it for a new one" },
	{ TLS_ALERT_CERTIFICATE_UNKNOWN,
	    "the server cannot accept your certificate, for instance because "
	    "its list of revoked ones (CRL) is missing or too old; ask its "
	    "administrator" },
	{ TLS_ALERT_UNKNOWN_CA,
	    "the authority (CA) of your certificate is unknown to the server; "
	    "use a certificate of an authority that it trusts" },
	{ TLS_ALERT_ACCESS_DENIED,
	    "your certificate is valid, but may not log in there" },
	{ TLS_ALERT_DECRYPT_ERROR,
	    "the signature by your key did not hold; does the key belong to "
	    "the certificate?" },
	{ TLS_ALERT_PROTOCOL_VERSION,
	    "it does not speak TLS 1.3" },
	{ TLS_ALERT_INTERNAL_ERROR,
	    "something is wrong on the server; its log says what" },
	{ TLS_ALERT_CERTIFICATE_REQUIRED,
	    "it wants a certificate and got none" },
	{ TLS_ALERT_NO_APPLICATION_PROTOCOL,
	    "it does not speak certlogin/1; is this the right port?" },
};
#define N_ALERTS (sizeof(alerts) / sizeof(alerts[0]))

const char *
explain_alert(enum tls_alert alert)
{
	for (size_t i = 0; i < N_ALERTS; i++)
		if (alerts[i].alert == alert)
			return alerts[i].text;
	return "it ended the TLS handshake";
}

/* Whatever the alert says, our own certificate may show the cause. */
static void
by_alert(enum tls_alert alert, const char *host, struct span leaf, char *dst,
    size_t size)
{
	struct own own;
	size_t at;

	(void)snprintf(dst, size, "%s refused: %s (TLS alert %d)", host,
	    explain_alert(alert), (int)alert);
	own_look(&own, leaf, time(NULL));
	for (size_t i = 0; i < own.n_faults; i++) {
		at = strlen(dst);
		(void)snprintf(dst + at, size - at, "; %s", own.fault[i]);
	}
}

static void
by_verify(const char *host, const struct server *s, char *dst, size_t size)
{
	const struct verify *v = &s->verify;

	(void)snprintf(dst, size, "%s is refused by this side, nothing was "
	    "sent: its certificate does not hold: %s%s%s%s (checked against "
	    "%s)", host, v->reason, v->detail[0] != '\0' ? ": " : "",
	    v->detail, v->failed == VERIFY_PATH ? "; it is unknown, not "
	    "issued by an authority that you trust" : "", s->from);
}

char *
explain_tls(const struct tls *t, const char *host,
    const struct server *server, struct span leaf, char *dst, size_t size)
{
	switch (tls_failure(t)) {
	case TLS_FAIL_ALERT:
		by_alert(tls_alert_got(t), host, leaf, dst, size);
		break;
	case TLS_FAIL_VERIFY:
		by_verify(host, server, dst, size);
		break;
	case TLS_FAIL_NO_ALPN:
		(void)snprintf(dst, size, "%s does not speak certlogin/1; is "
		    "this the right port?", host);
		break;
	case TLS_FAIL_NO_CERT:
		(void)snprintf(dst, size, "%s shows no certificate and is "
		    "refused by this side", host);
		break;
	case TLS_FAIL_SIZE:
		(void)snprintf(dst, size, "%s sends more than a handshake may "
		    "hold and is refused by this side", host);
		break;
	case TLS_FAIL_USAGE:
		(void)snprintf(dst, size, "%s shows a certificate whose key "
		    "usage does not allow signing, and is refused by this "
		    "side", host);
		break;
	case TLS_FAIL_SIGN:
		(void)snprintf(dst, size, "your key could not sign");
		break;
	case TLS_FAIL_EOF:
		(void)snprintf(dst, size, "%s closed the connection before "
		    "the login was decided; is a certlogind behind this "
		    "port?", host);
		break;
	case TLS_FAIL_NONE:
	case TLS_FAIL_OTHER:
		(void)snprintf(dst, size, "the TLS handshake with %s failed: "
		    "%s", host, tls_error(t));
		break;
	}
	return dst;
}
