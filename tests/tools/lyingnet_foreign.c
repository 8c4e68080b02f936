/*
 * The man in the middle: the client is led to a host whose name and authority
 * it accepts, and what it signs there is submitted here as if it had come to
 * this host.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/memfile.h"
#include "hostkey/key.h"
#include "lyingnet.h"
#include "proto/frame.h"
#include "proto/msg.h"
#include "x509/handshake.h"
#include "x509/tls.h"

#define HOST_MAX 131072

struct foreign {
	struct net *n;
	struct key *key;
	uint8_t random[IPC_RANDOM_LEN];
	struct tls *tls;
	struct buf cleared;		/* as signed, with our certificate */
};

static int
sign(void *ctx, struct span transcript, struct buf *sig)
{
	struct foreign *f = ctx;

	return key_sign(f->key, (struct span){ f->random, sizeof(f->random) },
	    transcript, sig, NULL);
}

static int
load_key(struct foreign *f)
{
	struct key_source src = { .pin_fd = -1,
	    .key_fd = spoil_open("foreign.key", O_RDONLY),
	    .cert_fd = spoil_open("foreign.crt", O_RDONLY) };

	f->key = key_load(&src, NULL);
	(void)close(src.key_fd);
	(void)close(src.cert_fd);
	return f->key != NULL ? 0 : ERR_NOTFOUND;
}

/* Until r is not ERR_AGAIN any more, one side or the other must move. */
static void
wait_for_peer(const struct foreign *f, int fd)
{
	struct pollfd p = { .fd = fd,
	    .events = tls_wants_write(f->tls) ? POLLOUT : POLLIN };

	(void)poll(&p, 1, 10000);
}

static int
shake_hands(struct foreign *f, int fd)
{
	const struct ipc_host *h = key_host(f->key);
	const struct tls_server spec = { .scheme = h->scheme,
	    .chain = h->der, .n = h->n, .sign = sign, .ctx = f };
	int r = tls_server_new(&f->tls, &spec, NULL);

	if (r == 0)
		r = tls_server_begin(f->tls, fd, f->random);
	while (r == 0 && (r = tls_handshake(f->tls)) == ERR_AGAIN) {
		wait_for_peer(f, fd);
		r = 0;
		continue;
	}
	return r;
}

/* ---- transcripts --------------------------------------------------------- */

/* A Certificate message with this host's chain (RFC 8446 section 4.4.2). */
static int
put_certificate(struct buf *b)
{
	struct span text;
	struct ipc_host h;
	struct rd r;
	size_t n = 0;

	if (memfile_map(HELPER_FD, HOST_MAX, &text) != 0)
		return ERR_NOTFOUND;
	r = rd_of_span(text);
	ipc_host_get(&r, &h);
	for (size_t i = 0; i < h.n; i++)
		n += 3 + h.der[i].n + 2;
	/* type, then the lengths of message, context and list */
	buf_put_u32(b, HANDSHAKE_CERTIFICATE << 24 | (uint32_t)(n + 4));
	buf_put_u32(b, (uint32_t)n);
	for (size_t i = 0; i < h.n; i++) {
		buf_put_u8(b, (uint8_t)(h.der[i].n >> 16));
		buf_put_u16(b, (uint16_t)h.der[i].n);
		buf_put_raw(b, h.der[i].p, h.der[i].n);
		buf_put_u16(b, 0);
	}
	memfile_unmap(text);
	return 0;
}

/* The handshake with this host's certificate instead of the foreign one.
 * signed_part gets how much of it this host's key has to sign. */
static int
repair(struct foreign *f, size_t *signed_part)
{
	struct rd r = rd_of_span(tls_server_transcript(f->tls));
	struct handshake_msg m;
	struct span rest;

	while ((m = handshake_next(&r)).type != HANDSHAKE_CERTIFICATE) {
		if (r.err != 0 || r.n == 0)
			return ERR_MALFORMED;
		buf_put_raw(&f->cleared, m.whole.p, m.whole.n);
	}
	if (put_certificate(&f->cleared) != 0)
		return ERR_NOTFOUND;
	*signed_part = f->cleared.len;
	rest = rd_rest(&r);
	buf_put_raw(&f->cleared, rest.p, rest.n);
	return buf_err(&f->cleared);
}

/* ---- both ends ------------------------------------------------------------ */

/* The session wants a signature to have been made before it hears of a
 * LOGIN; it makes one for what looks like its own host's handshake. */
static int
submit(struct foreign *f, bool repaired, const char *account)
{
	struct net *n = f->n;
	struct chan_msg m;
	size_t part = 0;
	int r = repair(f, &part);

	if (r == 0)
		r = tell_sign(n, (struct span){ f->cleared.data, part });
	if (r == 0)
		r = chan_recv(HELPER_CHANNEL, &n->in, &m, 0);
	if (r != 0 || m.type != IPC_NET_SIGNED)
		return r != 0 ? r : ERR_TYPE;
	return tell_login(n, repaired ?
	    (struct span){ f->cleared.data, f->cleared.len } :
	    tls_server_transcript(f->tls), account);
}

/* Tell the client what the session said: success or refusal. */
static int
answer(struct foreign *f)
{
	static struct ipc_refuse no;
	static struct msg_failure failure;
	struct msg_success success = { .account = "somebody" };
	struct chan_msg m;
	size_t start;
	int r = chan_recv(HELPER_CHANNEL, &f->n->in, &m, 0);

	if (r != 0)
		return r;
	buf_reset(&f->n->out);
	if (m.type == IPC_NET_SUCCESS) {
		start = frame_begin(&f->n->out, FRAME_LOGIN_SUCCESS);
		msg_success_put(&f->n->out, &success);
	} else if (ipc_net_refuse_decode(m.body, &no) == 0) {
		memcpy(failure.reason, no.reason, sizeof(failure.reason));
		failure.reference = no.reference;
		start = frame_begin(&f->n->out, FRAME_LOGIN_FAILURE);
		msg_failure_put(&f->n->out, &failure);
	} else
		return ERR_TYPE;
	frame_end(&f->n->out, start);
	return buf_err(&f->n->out);
}

static void
send_answer(struct foreign *f, int fd)
{
	ssize_t n = tls_write(f->tls, f->n->out.data, f->n->out.len);
	int r = n > 0 ? tls_flush(f->tls) : ERR_EOF;

	while (r == ERR_AGAIN) {
		wait_for_peer(f, fd);
		r = tls_flush(f->tls);
	}
	(void)tls_bye(f->tls);
	while (tls_drain(f->tls) == ERR_AGAIN)
		wait_for_peer(f, fd);
}

int
foreign_run(struct net *n, const struct chan_msg *join, bool repaired)
{
	struct foreign f = { .n = n };
	const char *blank = strchr(n->lie, ' ');
	int r;

	buf_init(&f.cleared, CHAN_MSG_MAX);
	if ((r = ipc_net_join_decode(join->body, f.random)) == 0 &&
	    (r = load_key(&f)) == 0 &&
	    (r = shake_hands(&f, join->fds[0])) == 0 &&
	    (r = submit(&f, repaired, blank != NULL ? blank + 1 : "")) == 0 &&
	    (r = answer(&f)) == 0)
		send_answer(&f, join->fds[0]);
	tls_free(f.tls);
	key_free(f.key);
	buf_free(&f.cleared);
	return r;
}
