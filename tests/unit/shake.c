#include "shake.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hostkey/key.h"
#include "x509/tls.h"

#define ROUNDS 2000
#define PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define RETRY ":-GROUP-ALL:+GROUP-SECP521R1:+GROUP-SECP384R1"
#define OK(call) ck_assert_int_ge((call), 0)

struct run {
	struct shake *s;
	const struct shake_client *c;
	struct key *hostkey;
	struct tls *server;
	gnutls_session_t client;
	gnutls_certificate_credentials_t cred;
	gnutls_pcert_st pcert[SHAKE_CHAIN_MAX];
	int fd[2];
};

void
shake_random(struct shake *s)
{
	OK(gnutls_rnd(GNUTLS_RND_NONCE, s->random, sizeof(s->random)));
}

void
shake_init(struct shake *s, enum pki_kind host)
{
	memset(s, 0, sizeof(*s));
	pki_make(&s->host, host, "host", NULL);
	buf_init(&s->transcript, TLS_TRANSCRIPT_MAX);
	shake_random(s);
}

void
shake_free(struct shake *s)
{
	buf_free(&s->transcript);
	pki_free(&s->host);
}

static int
sign(void *ctx, struct span transcript, struct buf *sig)
{
	struct run *r = ctx;
	struct why why = { "" };

	ck_assert_msg(key_sign(r->hostkey, (struct span){ r->s->random, 32 },
	    transcript, sig, &why) == 0, "%s", why.text);
	return 0;
}

static void
make_server(struct run *r)
{
	struct span chain = pki_der(&r->s->host);
	struct tls_server spec = { .scheme = r->s->host.scheme,
	    .chain = &chain, .n = 1, .sign = sign, .ctx = r };
	struct key_source src = { .pin_fd = -1 };
	struct why why = { "" };

	src.key_fd = pki_file(&r->s->host.key_pem);
	src.cert_fd = pki_file(&r->s->host.pem);
	r->hostkey = key_load(&src, &why);
	ck_assert_msg(r->hostkey != NULL, "%s", why.text);
	(void)close(src.key_fd);
	(void)close(src.cert_fd);
	ck_assert_msg(tls_server_new(&r->server, &spec, &why) == 0, "%s",
	    why.text);
	ck_assert_int_eq(tls_server_begin(r->server, r->fd[0],
	    r->s->random), 0);
}

static int
give_chain(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
    gnutls_pcert_st **certs, unsigned *n, gnutls_ocsp_data_st **ocsp,
    unsigned *n_ocsp, gnutls_privkey_t *key, unsigned *flags)
{
	struct run *r = gnutls_session_get_ptr(session);

	(void)info;
	*certs = r->pcert;
	*n = (unsigned)r->c->n;
	*ocsp = NULL;
	*n_ocsp = 0;
	*key = r->c->key;
	*flags = 0;
	return 0;
}

static void
make_client(struct run *r)
{
	gnutls_datum_t alpn = { (void *)(uintptr_t)TLS_ALPN,
	    sizeof(TLS_ALPN) - 1 };
	char priority[300];

	for (size_t i = 0; i < r->c->n; i++) {
		gnutls_datum_t der = { (void *)(uintptr_t)r->c->chain[i].p,
		    (unsigned)r->c->chain[i].n };

		OK(gnutls_pcert_import_x509_raw(&r->pcert[i], &der,
		    GNUTLS_X509_FMT_DER, 0));
	}
	(void)snprintf(priority, sizeof(priority), "%s%s%s", PRIORITY,
	    r->c->retry ? RETRY : "", r->c->add != NULL ? r->c->add : "");
	OK(gnutls_certificate_allocate_credentials(&r->cred));
	gnutls_certificate_set_retrieve_function3(r->cred, give_chain);
	OK(gnutls_init(&r->client, GNUTLS_CLIENT | GNUTLS_NONBLOCK |
	    (r->c->retry ? GNUTLS_KEY_SHARE_TOP : 0)));
	OK(gnutls_priority_set_direct(r->client, priority, NULL));
	OK(gnutls_credentials_set(r->client, GNUTLS_CRD_CERTIFICATE,
	    r->cred));
	OK(gnutls_alpn_set_protocols(r->client, &alpn, 1, 0));
	gnutls_session_set_ptr(r->client, r);
	gnutls_transport_set_int(r->client, r->fd[1]);
}

static void
finish(struct run *r)
{
	struct span t = tls_server_transcript(r->server);

	buf_reset(&r->s->transcript);
	buf_put_raw(&r->s->transcript, t.p, t.n);
	ck_assert_int_eq(buf_err(&r->s->transcript), 0);
	tls_free(r->server);
	key_free(r->hostkey);
	gnutls_deinit(r->client);
	gnutls_certificate_free_credentials(r->cred);
	for (size_t i = 0; i < r->c->n; i++)
		gnutls_pcert_deinit(&r->pcert[i]);
	(void)close(r->fd[0]);
	(void)close(r->fd[1]);
}

void
shake_run(struct shake *s, const struct shake_client *c)
{
	static struct run r;
	int server = ERR_AGAIN, client = GNUTLS_E_AGAIN;

	r = (struct run){ .s = s, .c = c };
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    r.fd), 0);
	make_server(&r);
	make_client(&r);
	for (int i = 0; i < ROUNDS && (server == ERR_AGAIN || client < 0);
	    i++) {
		if (client < 0)
			client = gnutls_handshake(r.client);
		ck_assert_msg(!gnutls_error_is_fatal(client), "client: %s",
		    gnutls_strerror(client));
		if (server == ERR_AGAIN)
			server = tls_handshake(r.server);
	}
	ck_assert_msg(server == 0, "server: %s", tls_error(r.server));
	ck_assert_int_eq(client, 0);
	finish(&r);
}
