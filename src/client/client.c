#include "client/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mono.h"
#include "client/cred.h"
#include "client/dial.h"
#include "client/explain.h"
#include "client/opts.h"
#include "client/secret.h"
#include "client/session.h"
#include "x509/own.h"

struct client {
	struct opts opts;
	struct say say;
	struct server server;
	struct cred cred;
	struct why sign_why;	/* why the card did not sign */
	bool asked;		/* the server wants our certificate */
	char name[256];		/* to check the server by: no zone */
	struct tls *tls;
	int socket;
	int left;		/* milliseconds for connection and handshake */
};

/* ---- what the TLS session asks ----------------------------------------------- */

static void
show_own(const struct client *c)
{
	struct own own;

	if (!c->say.verbose)
		return;
	own_look(&own, c->cred.chain[0], time(NULL));
	say_step(&c->say, "-> own certificate handed over: %s, valid until "
	    "%s, from %s", own.names, own.until, c->cred.from);
}

static enum tls_alert
on_verify(void *ctx, const struct span *chain, size_t n)
{
	struct client *c = ctx;
	enum tls_alert a = server_judge(&c->server, c->name, chain, n);

	server_show(&c->server, &c->say);
	if (a == TLS_ALERT_NONE && c->asked)
		show_own(c);
	return a;
}

static void
on_asked(void *ctx)
{
	((struct client *)ctx)->asked = true;
}

static int
on_sign(void *ctx, uint16_t scheme, struct span data, struct buf *sig)
{
	struct client *c = ctx;

	return cred_sign(&c->cred, scheme, data, sig, &c->sign_why);
}

/* ---- connection and handshake --------------------------------------------------- */

static int
connect_to(struct client *c, struct why *why)
{
	const struct conf *conf = &c->opts.conf;
	char address[DIAL_TEXT_MAX];

	say_step(&c->say, "-> connecting to %s port %u", c->opts.host,
	    conf->port);
	c->left = (int)conf->timeout * 1000;
	c->socket = dial(c->opts.host, (uint16_t)conf->port, conf->family,
	    &c->left, address, why);
	if (c->socket < 0)
		return c->socket;
	say_step(&c->say, "== connected to %s", address);
	return 0;
}

/* Wait until the socket is ready for what the handshake wants. */
static int
wait_ready(struct client *c, int64_t end)
{
	struct pollfd p = { .fd = c->socket,
	    .events = tls_wants_write(c->tls) ? POLLOUT : POLLIN };
	int64_t left = end - mono_ms();

	if (left <= 0)
		return ERR_TIMEOUT;
	if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
		return ERR_SYS;
	return 0;
}

static int
handshake_failed(struct client *c, int r, struct why *why)
{
	char text[WHY_MAX];

	if (r == ERR_TIMEOUT)
		return why_set(why, r, "%s does not finish the TLS handshake "
		    "within %u seconds; is a certlogind behind this port?",
		    c->opts.host, c->opts.conf.timeout);
	if (tls_failure(c->tls) == TLS_FAIL_SIGN)
		return why_set(why, r, "your key did not sign: %.400s",
		    c->sign_why.text);
	(void)explain_tls(c->tls, c->opts.host, &c->server,
	    c->cred.chain[0], text, sizeof(text));
	/* the alert must arrive before the connection is closed */
	(void)tls_drain(c->tls);
	return why_set(why, r, "%s", text);
}

static int
handshake(struct client *c, struct why *why)
{
	struct tls_client spec = { .host = c->name, .chain = c->cred.chain,
	    .n = c->cred.n, .key = c->cred.key,
	    .sign = c->cred.key == NULL ? on_sign : NULL,
	    .verify = on_verify, .asked = on_asked, .ctx = c };
	int64_t end = mono_ms() + c->left;
	char text[128];
	int r = tls_client_new(&c->tls, &spec, c->socket, why);

	if (r != 0)
		return r;
	while ((r = tls_handshake(c->tls)) == ERR_AGAIN)
		if ((r = wait_ready(c, end)) != 0)
			break;
	if (r != 0)
		return handshake_failed(c, r, why);
	say_step(&c->say, "== both sides have proved themselves: %s",
	    tls_describe(c->tls, text, sizeof(text)));
	return 0;
}

/* ---- one login ---------------------------------------------------------------------- */

static void
show_findings(const struct say *say, const struct diag *d)
{
	char text[DIAG_TEXT_MAX + 320];

	for (size_t i = 0; i < d->n; i++)
		if (d->items[i].level == DIAG_ERROR)
			say_error(say, "%s", diag_format(&d->items[i], text,
			    sizeof(text)));
		else
			say_warning(say, "%s", diag_format(&d->items[i],
			    text, sizeof(text)));
}

/* All that can fail here does so before anything is sent. */
static int
prepare(struct client *c, struct why *why)
{
	struct diag diag;
	char *zone;
	int r;

	(void)snprintf(c->name, sizeof(c->name), "%s", c->opts.host);
	/* fe80::1%eth0: the zone is ours alone */
	if (strchr(c->name, ':') != NULL &&
	    (zone = strchr(c->name, '%')) != NULL)
		*zone = '\0';
	diag_init(&diag);
	r = server_load(&c->server, &c->opts.conf, &diag, why);
	show_findings(&c->say, &diag);
	diag_free(&diag);
	if (r != 0)
		return r;
	secret_begin();
	return cred_get(&c->cred, &c->opts.conf, &c->say, why);
}

/* Only the certificate is needed from here on. */
static void
forget_key(struct client *c)
{
	struct cred key = { .key = c->cred.key, .card = c->cred.card };

	tls_settle(c->tls);
	c->cred.key = NULL;
	c->cred.card = NULL;
	cred_free(&key);
}

static int
log_in(struct client *c)
{
	struct session_peer peer = { .server = &c->server };
	struct why why = { "" };
	int status = SESSION_FAILED;

	c->socket = -1;
	if (prepare(c, &why) != 0 || connect_to(c, &why) != 0 ||
	    handshake(c, &why) != 0)
		say_error(&c->say, "%s", why.text);
	else {
		forget_key(c);
		peer.tls = c->tls;
		peer.socket = c->socket;
		peer.leaf = c->cred.chain[0];
		status = session_run(&c->opts, &c->say, &peer);
	}
	tls_free(c->tls);
	if (c->socket >= 0)
		(void)close(c->socket);
	cred_free(&c->cred);
	server_free(&c->server);
	return status;
}

/* ---- the program ---------------------------------------------------------------------- */

/* Nothing that is opened later may become a standard descriptor. */
static void
fill_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO &&
	    fcntl(fd, F_SETFD, 0) == 0);
	if (fd > STDERR_FILENO)
		(void)close(fd);
}

static int
run(struct client *c)
{
	switch (c->opts.kind) {
	case OPTS_HELP:
		opts_usage(stdout);
		return 0;
	case OPTS_VERSION:
		(void)puts("certlogin " PACKAGE_VERSION);
		return 0;
	case OPTS_SHOW:
		opts_show(&c->opts, stdout);
		return 0;
	case OPTS_RUN:
		break;
	}
	return log_in(c);
}

int
client_run(int argc, char **argv)
{
	struct client *c = calloc(1, sizeof(*c));
	struct why why = { "" };
	struct say plain = { .quiet = false };
	struct diag diag;
	int status = SESSION_FAILED;

	fill_standard();
	(void)signal(SIGPIPE, SIG_IGN);
	/* the library would write the session's keys there */
	(void)unsetenv("SSLKEYLOGFILE");
	if (c == NULL) {
		say_error(&plain, "out of memory");
		return status;
	}
	diag_init(&diag);
	if (opts_get(&c->opts, argc, argv, &diag, &why) != 0) {
		show_findings(&plain, &diag);
		say_error(&plain, "%s", why.text);
	} else {
		c->say = (struct say){ .verbose = c->opts.conf.verbose,
		    .quiet = c->opts.conf.quiet };
		status = run(c);
	}
	diag_free(&diag);
	opts_free(&c->opts);
	free(c);
	return status;
}
