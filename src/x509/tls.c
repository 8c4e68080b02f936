#include "x509/tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "x509/tls_session.h"

/*
 * AES-GCM first: ChaCha20 is four times slower on our machines.  A hybrid
 * group is put in front where the library knows one.  The RSA-SHA* rows are
 * for signatures inside certificates; TLS 1.3 signs no handshake with them.
 */
#define PRIORITY_HEAD "NONE:+VERS-TLS1.3:+AEAD:+AES-128-GCM:+AES-256-GCM:" \
    "+CHACHA20-POLY1305:+CTYPE-X509"
#define PRIORITY_HYBRID ":+GROUP-X25519-MLKEM768"
#define PRIORITY_GROUPS ":+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1"
#define PRIORITY_SIGNS ":+SIGN-ECDSA-SECP256R1-SHA256" \
    ":+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-EDDSA-ED25519" \
    ":+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-SHA256:+SIGN-RSA-SHA384" \
    ":+SIGN-RSA-SHA512"
#define BATCH (4 * TLS_RECORD)	/* bytes given to the socket as one */
#define REKEY_RECORDS (UINT64_C(1) << 22)
#define DRAIN_ROUNDS 64		/* reads at most before the caller's turn */

static const struct tls_scheme schemes[] = {
	{ 0x0403, GNUTLS_SIGN_ECDSA_SECP256R1_SHA256 },
	{ 0x0503, GNUTLS_SIGN_ECDSA_SECP384R1_SHA384 },
	{ 0x0807, GNUTLS_SIGN_EDDSA_ED25519 },
	{ 0x0804, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256 },
};

const struct tls_scheme *
tls_scheme_find(uint16_t scheme)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (schemes[i].tls == scheme)
			return &schemes[i];
	return NULL;
}

const struct tls_scheme *
tls_scheme_of(gnutls_sign_algorithm_t sign)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (schemes[i].sign == sign)
			return &schemes[i];
	return NULL;
}

/* ---- transport ---------------------------------------------------------- */

static ssize_t
push(gnutls_transport_ptr_t ptr, const giovec_t *iov, int n)
{
	struct tls *t = ptr;
	struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)iov,
	    .msg_iovlen = (size_t)n };
	ssize_t done = sendmsg(t->fd, &m,
	    MSG_NOSIGNAL | (t->more ? MSG_MORE : 0));

	if (done < 0)
		gnutls_transport_set_errno(t->session, errno);
	return done;
}

static ssize_t
pull(gnutls_transport_ptr_t ptr, void *p, size_t n)
{
	struct tls *t = ptr;
	ssize_t done = recv(t->fd, p, n, 0);

	if (done < 0)
		gnutls_transport_set_errno(t->session, errno);
	return done;
}

/* ---- the transcript ----------------------------------------------------- */

/* The library hands messages over without their header. */
static int
append(struct tls *t, unsigned type, const gnutls_datum_t *msg)
{
	if (type == GNUTLS_HANDSHAKE_HELLO_RETRY_REQUEST) {
		t->first_hello = t->transcript.len;
		type = GNUTLS_HANDSHAKE_SERVER_HELLO;
	}
	buf_put_u8(&t->transcript, (uint8_t)type);
	buf_put_u8(&t->transcript, (uint8_t)(msg->size >> 16));
	buf_put_u16(&t->transcript, (uint16_t)msg->size);
	buf_put_raw(&t->transcript, msg->data, msg->size);
	if (buf_err(&t->transcript) == 0)
		return 0;
	t->failure = TLS_FAIL_SIZE;
	return GNUTLS_E_HANDSHAKE_TOO_LARGE;
}

static int
on_message(gnutls_session_t session, unsigned type, unsigned when,
    unsigned incoming, const gnutls_datum_t *msg)
{
	struct tls *t = gnutls_session_get_ptr(session);
	int rc;

	/* what comes is seen before it is parsed, what goes as it went */
	if (!t->capture ||
	    when != (incoming ? GNUTLS_HOOK_PRE : GNUTLS_HOOK_POST))
		return 0;
	/* not part of the handshake's hash */
	if (type == GNUTLS_HANDSHAKE_NEW_SESSION_TICKET ||
	    type == GNUTLS_HANDSHAKE_KEY_UPDATE ||
	    type == GNUTLS_HANDSHAKE_CHANGE_CIPHER_SPEC)
		return 0;
	rc = append(t, type, msg);
	/* the last one that somebody else will ask for */
	if (type == GNUTLS_HANDSHAKE_CERTIFICATE_VERIFY &&
	    incoming != t->client)
		t->capture = false;
	return rc;
}

void
tls_session_capture(struct tls *t)
{
	t->capture = true;
	gnutls_handshake_set_hook_function(t->session, GNUTLS_HANDSHAKE_ANY,
	    GNUTLS_HOOK_BOTH, on_message);
}

/* ---- making ------------------------------------------------------------- */

int
tls_session_why(struct why *why, const char *what, int rc)
{
	return why_set(why, ERR_CRYPTO, "%s: %s", what, gnutls_strerror(rc));
}

static int
import_chain(struct tls *t, const struct span *chain, size_t n,
    struct why *why)
{
	if (n == 0 || n > TLS_CHAIN_MAX)
		return why_set(why, ERR_TOOBIG, "a chain of %zu certificates:"
		    " 1 to %d can be sent", n, TLS_CHAIN_MAX);
	for (size_t i = 0; i < n; i++) {
		gnutls_datum_t d = {
			.data = (unsigned char *)(uintptr_t)chain[i].p,
			.size = (unsigned)chain[i].n,
		};
		int rc = gnutls_pcert_import_x509_raw(&t->own[i], &d,
		    GNUTLS_X509_FMT_DER, 0);

		if (rc < 0)
			return tls_session_why(why, "own certificate", rc);
		t->n_own++;
	}
	return 0;
}

static bool
has_hybrid(void)
{
	return gnutls_group_get_id("X25519-MLKEM768") != GNUTLS_GROUP_INVALID;
}

static unsigned
init_flags(bool client)
{
	unsigned flags = GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS;

	if (!client)
		return flags | GNUTLS_SERVER;
	/* one key share is enough where any peer has the group */
	return flags | GNUTLS_CLIENT |
	    (has_hybrid() ? GNUTLS_KEY_SHARE_TOP2 : GNUTLS_KEY_SHARE_TOP);
}

static int
set_protocol(struct tls *t, struct why *why)
{
	gnutls_datum_t alpn = { (unsigned char *)(uintptr_t)TLS_ALPN,
	    sizeof(TLS_ALPN) - 1 };
	int rc = gnutls_priority_set_direct(t->session, has_hybrid() ?
	    PRIORITY_HEAD PRIORITY_HYBRID PRIORITY_GROUPS PRIORITY_SIGNS :
	    PRIORITY_HEAD PRIORITY_GROUPS PRIORITY_SIGNS, NULL);

	if (rc < 0)
		return tls_session_why(why, "TLS priorities", rc);
	if ((rc = gnutls_alpn_set_protocols(t->session, &alpn, 1,
	    GNUTLS_ALPN_MANDATORY)) < 0)
		return tls_session_why(why, "ALPN", rc);
	return 0;
}

int
tls_session_init(struct tls *t, const struct span *chain, size_t n,
    struct why *why)
{
	int rc;

	t->rekey = REKEY_RECORDS;
	buf_init(&t->transcript, TLS_TRANSCRIPT_MAX);
	if ((rc = import_chain(t, chain, n, why)) != 0)
		return rc;
	if ((rc = gnutls_certificate_allocate_credentials(&t->cred)) < 0)
		return tls_session_why(why, "TLS credentials", rc);
	if ((rc = gnutls_init(&t->session, init_flags(t->client))) < 0)
		return tls_session_why(why, "TLS session", rc);
	if ((rc = set_protocol(t, why)) != 0)
		return rc;
	if ((rc = gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE,
	    t->cred)) < 0)
		return tls_session_why(why, "TLS credentials", rc);
	gnutls_handshake_set_max_packet_length(t->session,
	    TLS_HANDSHAKE_MAX);
	gnutls_session_set_ptr(t->session, t);
	gnutls_transport_set_ptr(t->session, t);
	gnutls_transport_set_vec_push_function(t->session, push);
	gnutls_transport_set_pull_function(t->session, pull);
	return 0;
}

static void
free_credentials(struct tls *t)
{
	if (t->session != NULL)
		gnutls_credentials_clear(t->session);
	if (t->cred != NULL)
		gnutls_certificate_free_credentials(t->cred);
	t->cred = NULL;
	if (t->key != NULL)
		gnutls_privkey_deinit(t->key);
	t->key = NULL;
	for (size_t i = 0; i < t->n_own; i++)
		gnutls_pcert_deinit(&t->own[i]);
	t->n_own = 0;
}

void
tls_settle(struct tls *t)
{
	t->capture = false;
	buf_free(&t->transcript);
	free_credentials(t);
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	tls_settle(t);
	if (t->session != NULL)
		gnutls_deinit(t->session);
	free(t);
}

/* ---- what the library's codes mean -------------------------------------- */

static enum tls_failure
failure_of(int rc)
{
	switch (rc) {
	case GNUTLS_E_PREMATURE_TERMINATION:
	case GNUTLS_E_PULL_ERROR:
	case GNUTLS_E_PUSH_ERROR:
	case GNUTLS_E_INVALID_SESSION:
	case GNUTLS_E_SESSION_EOF:
		return TLS_FAIL_EOF;
	case GNUTLS_E_FATAL_ALERT_RECEIVED:
		return TLS_FAIL_ALERT;
	case GNUTLS_E_NO_CERTIFICATE_FOUND:
	case GNUTLS_E_CERTIFICATE_REQUIRED:
		return TLS_FAIL_NO_CERT;
	case GNUTLS_E_NO_APPLICATION_PROTOCOL:
		return TLS_FAIL_NO_ALPN;
	case GNUTLS_E_HANDSHAKE_TOO_LARGE:
		return TLS_FAIL_SIZE;
	case GNUTLS_E_KEY_USAGE_VIOLATION:
		return TLS_FAIL_USAGE;
	default:
		return TLS_FAIL_OTHER;
	}
}

/* Every failure of a session ends here.  The first one counts; what a
 * callback of ours noted is nearer to the cause than the library's code. */
static int
fail(struct tls *t, int rc)
{
	if (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED)
		return ERR_AGAIN;
	if (t->failure == TLS_FAIL_NONE)
		t->failure = failure_of(rc);
	if (t->code == 0)
		t->code = rc;
	if (rc == GNUTLS_E_FATAL_ALERT_RECEIVED)
		t->got = (enum tls_alert)gnutls_alert_get(t->session);
	if (t->failure == TLS_FAIL_VERIFY)
		return ERR_REFUSED;
	return t->failure == TLS_FAIL_EOF ? ERR_EOF : ERR_CRYPTO;
}

enum tls_failure
tls_failure(const struct tls *t)
{
	return t->failure;
}

enum tls_alert
tls_alert_got(const struct tls *t)
{
	return t->got;
}

int
tls_code(const struct tls *t)
{
	return t->code;
}

const char *
tls_error(const struct tls *t)
{
	return gnutls_strerror(t->code);
}

char *
tls_describe(const struct tls *t, char *dst, size_t size)
{
	(void)snprintf(dst, size, "%s %s %s",
	    gnutls_protocol_get_name(gnutls_protocol_get_version(t->session)),
	    gnutls_group_get_name(gnutls_group_get(t->session)),
	    gnutls_cipher_get_name(gnutls_cipher_get(t->session)));
	return dst;
}

/* ---- handshake ---------------------------------------------------------- */

static void
send_alert(struct tls *t, enum tls_alert alert)
{
	(void)gnutls_alert_send(t->session, GNUTLS_AL_FATAL,
	    (gnutls_alert_description_t)alert);
}

/* A client that knows no TLS 1.3 fails by its cipher suites. */
static bool
is_old_version(const struct tls *t, int rc)
{
	return rc == GNUTLS_E_NO_CIPHER_SUITES &&
	    gnutls_protocol_get_version(t->session) != GNUTLS_TLS1_3;
}

/* The alert of a handshake that failed here. */
static void
tell(struct tls *t, int rc)
{
	switch (t->failure) {
	case TLS_FAIL_EOF:
	case TLS_FAIL_ALERT:
		break;
	case TLS_FAIL_VERIFY:
		send_alert(t, t->refusal);
		break;
	case TLS_FAIL_SIGN:
		send_alert(t, TLS_ALERT_INTERNAL_ERROR);
		break;
	case TLS_FAIL_NO_CERT:
		send_alert(t, TLS_ALERT_CERTIFICATE_REQUIRED);
		break;
	case TLS_FAIL_NO_ALPN:
		send_alert(t, TLS_ALERT_NO_APPLICATION_PROTOCOL);
		break;
	case TLS_FAIL_SIZE:
		send_alert(t, TLS_ALERT_HANDSHAKE_FAILURE);
		break;
	case TLS_FAIL_USAGE:
		send_alert(t, TLS_ALERT_UNSUPPORTED_CERTIFICATE);
		break;
	case TLS_FAIL_NONE:
	case TLS_FAIL_OTHER:
		if (is_old_version(t, rc))
			send_alert(t, TLS_ALERT_PROTOCOL_VERSION);
		else
			(void)gnutls_alert_send_appropriate(t->session, rc);
		break;
	}
}

/* GNUTLS_ALPN_MANDATORY lets a peer without ALPN through. */
static bool
alpn_ok(const struct tls *t)
{
	gnutls_datum_t d;

	return gnutls_alpn_get_selected_protocol(t->session, &d) == 0 &&
	    d.size == sizeof(TLS_ALPN) - 1 &&
	    memcmp(d.data, TLS_ALPN, d.size) == 0;
}

/* What the library calls a success, looked at once more. */
static int
check_complete(const struct tls *t)
{
	unsigned n = 0;

	if (gnutls_protocol_get_version(t->session) != GNUTLS_TLS1_3)
		return GNUTLS_E_UNSUPPORTED_VERSION_PACKET;
	if (!alpn_ok(t))
		return GNUTLS_E_NO_APPLICATION_PROTOCOL;
	if (gnutls_certificate_get_peers(t->session, &n) == NULL || n == 0)
		return GNUTLS_E_CERTIFICATE_REQUIRED;
	return n > TLS_CHAIN_MAX ? GNUTLS_E_HANDSHAKE_TOO_LARGE : 0;
}

int
tls_handshake(struct tls *t)
{
	int rc, err;

	do
		rc = gnutls_handshake(t->session);
	while (rc < 0 && rc != GNUTLS_E_AGAIN &&
	    gnutls_error_is_fatal(rc) == 0);
	if (rc == 0)
		rc = check_complete(t);
	if (rc == 0) {
		t->complete = true;
		return 0;
	}
	if ((err = fail(t, rc)) != ERR_AGAIN)
		tell(t, rc);
	return err;
}

bool
tls_wants_write(const struct tls *t)
{
	return gnutls_record_get_direction(t->session) == 1;
}

/* ---- data --------------------------------------------------------------- */

ssize_t
tls_read(struct tls *t, void *p, size_t n)
{
	for (;;) {
		ssize_t rc = gnutls_record_recv(t->session, p, n);

		if (rc >= 0)
			return rc;
		/* a warning or a ticket: nothing for us, look again.  The
		 * library bounds how many it takes. */
		if (rc != GNUTLS_E_AGAIN && rc != GNUTLS_E_INTERRUPTED &&
		    rc != GNUTLS_E_REHANDSHAKE &&
		    gnutls_error_is_fatal((int)rc) == 0)
			continue;
		return fail(t, (int)rc);
	}
}

int
tls_flush(struct tls *t)
{
	ssize_t rc;

	if (!t->unsent)
		return 0;
	rc = gnutls_record_send(t->session, NULL, 0);
	/* what waited went out before new keys that the peer asked for, and
	 * nothing is left to go behind them */
	if (rc < 0 && rc != GNUTLS_E_INVALID_REQUEST)
		return fail(t, (int)rc);
	t->unsent = false;
	return 0;
}

bool
tls_unsent(const struct tls *t)
{
	return t->unsent;
}

void
tls_set_rekey(struct tls *t, uint64_t records)
{
	t->rekey = records;
}

/* Change our sending keys when they have sealed enough.  Once begun it is
 * finished before anything else is sent. */
static int
renew_keys(struct tls *t)
{
	int rc;

	if (t->sent < t->rekey && !t->renewing)
		return 0;
	t->renewing = true;
	if ((rc = gnutls_session_key_update(t->session, 0)) < 0)
		return fail(t, rc);
	t->renewing = false;
	t->sent = 0;
	return 0;
}

/* One record: bytes taken, which may be kept inside. */
static ssize_t
write_record(struct tls *t, const uint8_t *p, size_t n, bool more)
{
	ssize_t rc;

	t->more = more;
	rc = gnutls_record_send(t->session, p, n);
	t->more = false;
	if (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED) {
		t->unsent = true;
		rc = (ssize_t)n;
	}
	if (rc < 0)
		return fail(t, (int)rc);
	t->sent++;
	return rc;
}

ssize_t
tls_write(struct tls *t, const void *p, size_t n)
{
	size_t done = 0;
	int err;

	if ((err = tls_flush(t)) != 0 || (err = renew_keys(t)) != 0)
		return err;
	if (n > BATCH)
		n = BATCH;
	while (done < n && !t->unsent) {
		size_t part = n - done < TLS_RECORD ? n - done : TLS_RECORD;
		ssize_t rc = write_record(t, (const uint8_t *)p + done, part,
		    done + part < n);

		if (rc < 0)
			return rc;
		done += (size_t)rc;
	}
	return (ssize_t)done;
}

/* ---- ending ------------------------------------------------------------- */

/* Nothing may stand half written before our last word. */
static int
before_last_word(struct tls *t)
{
	int err = tls_flush(t);

	if (err == 0 && t->renewing)
		err = renew_keys(t);
	return err;
}

/* Our last word, once: rc is the library's answer to saying it. */
static int
last_word(struct tls *t, int rc)
{
	if (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED)
		return ERR_AGAIN;
	t->said = true;
	if (shutdown(t->fd, SHUT_WR) != 0)
		return ERR_EOF;
	return rc < 0 ? fail(t, rc) : 0;
}

int
tls_bye(struct tls *t)
{
	int err;

	if (t->said)
		return 0;
	if ((err = before_last_word(t)) == ERR_AGAIN)
		return err;
	return last_word(t, gnutls_bye(t->session, GNUTLS_SHUT_WR));
}

int
tls_alert(struct tls *t, enum tls_alert alert)
{
	int err;

	if (t->said)
		return 0;
	if ((err = before_last_word(t)) == ERR_AGAIN)
		return err;
	return last_word(t, gnutls_alert_send(t->session, GNUTLS_AL_FATAL,
	    (gnutls_alert_description_t)alert));
}

int
tls_drain(struct tls *t)
{
	uint8_t waste[4096];

	for (int i = 0; i < DRAIN_ROUNDS; i++) {
		ssize_t n = recv(t->fd, waste, sizeof(waste), 0);

		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return 0;
		if (n < 0)
			return ERR_AGAIN;
	}
	return ERR_AGAIN;
}
