#include "cred/p11.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/mono.h"
#include "proto/chan.h"

#define PROGRAM "certlogin-p11"
#define PIN_PAGE 4096	/* bytes; holds the question of P11_PIN_MAX */
#define STOP_MS 1000	/* for logout and C_Finalize */

struct p11 {
	pid_t pid;		/* 0 once waited for */
	const char *name;	/* of the program at the other end */
	int fd;
	int limit_ms;
	unsigned pending;	/* questions without an answer */
	int64_t since;		/* the last question or answer, mono_ms() */
	uint32_t flags;		/* of the last answer */
	struct buf out, in;	/* both wiped: the PIN passes through */
};

/* Kill and wait; status tells how it had ended, if it had by itself. */
static void
reap(struct p11 *p, int *status)
{
	*status = 0;
	if (p->pid > 0) {
		(void)kill(p->pid, SIGKILL);
		while (waitpid(p->pid, status, 0) < 0 && errno == EINTR)
			continue;
	}
	p->pid = 0;
	if (p->fd >= 0)
		(void)close(p->fd);
	p->fd = -1;
}

/* The process is of no more use: end it and say why. */
static int
broken(struct p11 *p, int code, struct why *why)
{
	bool card = strcmp(p->name, PROGRAM) == 0;
	int status;

	reap(p, &status);
	if (code == ERR_TIMEOUT)
		return why_set(why, code, "%s did not answer within %d ms and "
		    "was ended%s", card ? "the PKCS#11 driver" : p->name,
		    p->limit_ms, card ? "; take the card out and put it in "
		    "again" : "");
	if (code == ERR_EOF && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 127)
		return why_set(why, code, "%s could not be started", p->name);
	if (code == ERR_EOF)
		return why_set(why, code, "%s ended in the middle of its "
		    "work%s", p->name, card ? "; the PKCS#11 driver crashed" :
		    "");
	return why_set(why, code, "talking to %s: %s", p->name,
	    err_text(code));
}

/* What became of a question on its way. */
static int
asked(struct p11 *p, int r, struct why *why)
{
	/* behind one that it could not answer: that answer says why */
	if (r == ERR_EOF && p->pending > 0)
		r = 0;
	if (r != 0)
		return broken(p, r, why);
	p->pending++;
	p->since = mono_ms();
	return 0;
}

/* May another question be sent? */
static int
may_ask(const struct p11 *p, struct why *why)
{
	if (p->fd < 0)
		return why_set(why, ERR_STATE, "%s was ended", p->name);
	if (p->pending == P11_AHEAD_MAX)
		return why_set(why, ERR_STATE, "%s has %d questions to answer "
		    "before another", p->name, P11_AHEAD_MAX);
	return 0;
}

static int
ask(struct p11 *p, struct why *why)
{
	int r = may_ask(p, why);

	if (r != 0)
		return r;
	r = chan_send(p->fd, &p->out, NULL, 0);
	buf_reset(&p->out);
	return asked(p, r, why);
}

/* The next message of an answer, until the end of the question's time. */
static int
next(struct p11 *p, struct chan_msg *m, struct why *why)
{
	int64_t left = p->since + p->limit_ms - mono_ms();
	int r;

	if (p->fd < 0)
		return why_set(why, ERR_STATE, "%s was ended", p->name);
	r = chan_recv_timeout(p->fd, &p->in, m, 0,
	    left > 0 ? (int)left : 0);
	return r == 0 ? 0 : broken(p, r, why);
}

/* The time of the next answer begins. */
static void
answered(struct p11 *p)
{
	if (p->pending > 0)
		p->pending--;
	p->since = mono_ms();
}

/* What P11_DONE says. */
static int
finish(struct p11 *p, struct chan_msg *m, uint32_t *flags, struct why *why)
{
	struct p11_done d;

	if (m->type != P11_DONE)
		return broken(p, ERR_TYPE, why);
	if (p11msg_get_done(&m->body, &d) != 0)
		return broken(p, ERR_MALFORMED, why);
	answered(p);
	p->flags = d.flags;
	if (flags != NULL)
		*flags = d.flags;
	return d.code == 0 ? 0 : why_set(why, d.code, "%s", d.text);
}

int
p11_answer(struct p11 *p, uint32_t *flags, struct why *why)
{
	struct chan_msg m;
	int r = next(p, &m, why);

	return r != 0 ? r : finish(p, &m, flags, why);
}

static int
spawn(struct p11 *p, const char *dir, struct why *why)
{
	static const char *const argv[] = { "certlogin-p11", NULL };
	struct helper_spec spec = { .argv = argv, .keep_ids = true,
	    .chroot_dir = -1 };
	int sv[2];
	pid_t pid;

	if ((spec.exe = helper_open(dir, argv[0], why)) < 0)
		return spec.exe;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) != 0) {
		(void)close(spec.exe);
		return why_errno(why, "socketpair");
	}
	spec.channel = sv[1];
	pid = helper_spawn(&spec, why);
	(void)close(spec.exe);
	(void)close(sv[1]);
	if (pid < 0) {
		(void)close(sv[0]);
		return (int)pid;
	}
	p->pid = pid;
	p->fd = sv[0];
	return 0;
}

static struct p11 *
make(const char *name, int fd, int limit_ms)
{
	struct p11 *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->name = name;
	p->fd = fd;
	p->limit_ms = limit_ms > 0 ? limit_ms : P11_LIMIT_MS;
	buf_init_secret(&p->out, CHAN_MSG_MAX);
	buf_init_secret(&p->in, CHAN_MSG_MAX);
	return p;
}

int
p11_ask_load(struct p11 *p, const struct p11_conf *c, struct why *why)
{
	if (c->n_env > P11_ENV_MAX)
		return why_set(why, ERR_TOOBIG, "module-env: at most %d "
		    "settings", P11_ENV_MAX);
	p11msg_put_load(&p->out, c->module, c->env, c->n_env);
	return ask(p, why);
}

int
p11_load(struct p11 *p, const struct p11_conf *c, struct why *why)
{
	int r = p11_ask_load(p, c, why);

	return r != 0 ? r : p11_answer(p, NULL, why);
}

int
p11_start(struct p11 **out, const struct p11_conf *c, struct why *why)
{
	struct p11 *p = make(PROGRAM, -1, c->limit_ms);
	int r;

	if (p == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	r = spawn(p, c->dir != NULL ? c->dir : HELPER_DIR, why);
	if (r == 0)
		r = p11_load(p, c, why);
	if (r != 0) {
		p11_stop(p);
		return r;
	}
	*out = p;
	return 0;
}

int
p11_adopt(struct p11 **out, const char *name, int fd, int limit_ms,
    struct why *why)
{
	struct p11 *p = make(name, fd, limit_ms);

	if (p == NULL) {
		(void)close(fd);
		return why_set(why, ERR_NOMEM, "out of memory");
	}
	*out = p;
	return 0;
}

int
p11_ask_local(struct p11 *p, uint32_t uid, struct why *why)
{
	p11msg_put_local(&p->out, uid);
	return ask(p, why);
}

int
p11_local(struct p11 *p, uint32_t uid, struct why *why)
{
	int r = p11_ask_local(p, uid, why);

	return r != 0 ? r : p11_answer(p, NULL, why);
}

uint32_t
p11_flags(const struct p11 *p)
{
	return p->flags;
}

void
p11_close(struct p11 *p)
{
	if (p->fd >= 0)
		(void)shutdown(p->fd, SHUT_WR);
}

void
p11_stop(struct p11 *p)
{
	const int64_t end = mono_ms() + STOP_MS;
	struct chan_msg m;
	int64_t left = STOP_MS;
	int status;

	if (p == NULL)
		return;
	/* its exit closes the channel: wait for that, then make sure; there may
	 * be an answer before that nobody waited for */
	if (p->fd >= 0 && shutdown(p->fd, SHUT_WR) == 0)
		while (left > 0 && chan_recv_timeout(p->fd, &p->in, &m, 0,
		    (int)left) == 0)
			left = end - mono_ms();
	reap(p, &status);
	buf_free(&p->out);
	buf_free(&p->in);
	free(p);
}

int
p11_ask_list(struct p11 *p, const char *uri, struct why *why)
{
	p11msg_put_list(&p->out, uri);
	return ask(p, why);
}

int
p11_answer_list(struct p11 *p, struct p11_cert **certs, size_t *n,
    struct why *why)
{
	struct p11_cert *list = calloc(P11_CERTS_MAX, sizeof(*list));
	struct chan_msg m;
	size_t got = 0;
	int r;

	if (list == NULL)
		return broken(p, ERR_NOMEM, why);
	while ((r = next(p, &m, why)) == 0 && m.type == P11_CERT) {
		if (got == P11_CERTS_MAX ||
		    p11msg_get_cert(&m.body, &list[got]) != 0) {
			r = broken(p, ERR_MALFORMED, why);
			break;
		}
		got++;
	}
	if (r == 0)
		r = finish(p, &m, NULL, why);
	if (r != 0) {
		free(list);
		return r;
	}
	*certs = list;
	*n = got;
	return 0;
}

int
p11_list(struct p11 *p, const char *uri, struct p11_cert **certs, size_t *n,
    struct why *why)
{
	int r = p11_ask_list(p, uri, why);

	return r != 0 ? r : p11_answer_list(p, certs, n, why);
}

int
p11_ask_open(struct p11 *p, size_t i, struct why *why)
{
	p11msg_put_open(&p->out, (uint32_t)i);
	return ask(p, why);
}

int
p11_open(struct p11 *p, size_t i, uint32_t *flags, struct why *why)
{
	int r = p11_ask_open(p, i, why);

	return r != 0 ? r : p11_answer(p, flags, why);
}

/* The question with the PIN is made in a page of its own: never swapped out,
 * and unlocked together with nothing of the caller's. */
static int
send_pin(struct p11 *p, const void *pin, size_t n)
{
	struct buf b = { .max = PIN_PAGE, .cap = PIN_PAGE, .secret = true };
	int r;

	b.data = mmap(NULL, PIN_PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b.data == MAP_FAILED)
		return ERR_NOMEM;
	(void)mlock(b.data, PIN_PAGE);
	(void)madvise(b.data, PIN_PAGE, MADV_DONTDUMP);
	p11msg_put_login(&b, pin, n);
	r = chan_send(p->fd, &b, NULL, 0);
	buf_wipe(b.data, PIN_PAGE);
	(void)munmap(b.data, PIN_PAGE);
	return r;
}

int
p11_ask_login(struct p11 *p, const void *pin, size_t n, struct why *why)
{
	int r = may_ask(p, why);

	if (r != 0)
		return r;
	if (n > P11_PIN_MAX)
		return why_set(why, ERR_TOOBIG, "a PIN has at most %d bytes",
		    P11_PIN_MAX);
	return asked(p, send_pin(p, pin, n), why);
}

int
p11_login(struct p11 *p, const void *pin, size_t n, uint32_t *flags,
    struct why *why)
{
	int r = p11_ask_login(p, pin, n, why);

	return r != 0 ? r : p11_answer(p, flags, why);
}

int
p11_ask_sign(struct p11 *p, uint16_t scheme, struct span data,
    struct why *why)
{
	p11msg_put_sign(&p->out, scheme, data);
	return ask(p, why);
}

int
p11_answer_sign(struct p11 *p, struct buf *sig, struct why *why)
{
	struct chan_msg m;
	struct span s;
	int r;

	if ((r = next(p, &m, why)) != 0)
		return r;
	if (m.type != P11_SIGNED)
		return (r = finish(p, &m, NULL, why)) != 0 ? r :
		    broken(p, ERR_TYPE, why);
	if (p11msg_get_signed(&m.body, &s) != 0)
		return broken(p, ERR_MALFORMED, why);
	answered(p);
	buf_put_raw(sig, s.p, s.n);
	return buf_err(sig) == 0 ? 0 : why_set(why, buf_err(sig),
	    "a signature of %zu bytes", s.n);
}

int
p11_sign(struct p11 *p, uint16_t scheme, struct span data, struct buf *sig,
    struct why *why)
{
	int r = p11_ask_sign(p, scheme, data, why);

	return r != 0 ? r : p11_answer_sign(p, sig, why);
}
