#include "ca/csr.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <grp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef WITH_SANDBOX
#include <seccomp.h>
#endif

#include "base/path.h"
#include "base/sandbox.h"
#include "ca/keys.h"

#define ANSWER_MAX 4096		/* an RSA key of 8192 bits takes 1,100 */
#define CPU_SECONDS 10
#define NOBODY 65534
#define ANSWER_KEY 0		/* first byte: a key follows, or a reason */
#define ANSWER_REASON 1

/* ---- the child ----------------------------------------------------------- */

static int
import(gnutls_x509_crq_t crq, struct span csr)
{
	gnutls_datum_t d = { (void *)(uintptr_t)csr.p, (unsigned)csr.n };

	if (gnutls_x509_crq_import(crq, &d, GNUTLS_X509_FMT_PEM) >= 0)
		return 0;
	return gnutls_x509_crq_import(crq, &d, GNUTLS_X509_FMT_DER);
}

int
csr_parse(struct span csr, gnutls_pubkey_t *out, struct why *why)
{
	gnutls_x509_crq_t crq = NULL;
	gnutls_pubkey_t key = NULL;
	int e, r;

	if ((e = gnutls_x509_crq_init(&crq)) < 0 ||
	    (e = gnutls_pubkey_init(&key)) < 0)
		r = keys_crypto(why, "CSR", e);
	else if ((e = import(crq, csr)) < 0)
		r = why_set(why, ERR_REFUSED, "this is no CSR (PKCS#10, PEM or "
		    "DER): %s", gnutls_strerror(e));
	else if ((e = gnutls_x509_crq_verify(crq, 0)) < 0)
		r = why_set(why, ERR_REFUSED, "the CSR's signature does not "
		    "prove that its maker has the key: %s",
		    gnutls_strerror(e));
	else if ((e = gnutls_pubkey_import_x509_crq(key, crq, 0)) < 0)
		r = why_set(why, ERR_REFUSED, "the CSR's key cannot be read: "
		    "%s", gnutls_strerror(e));
	else
		r = keys_check_leaf(key, why);
	if (crq != NULL)
		gnutls_x509_crq_deinit(crq);
	if (r == 0)
		*out = key;
	else if (key != NULL)
		gnutls_pubkey_deinit(key);
	return r;
}

/* Nobody, with one descriptor and no system call but to write there. */
static int
confine(int channel, struct why *why)
{
#ifdef WITH_SANDBOX
	static const struct sandbox_call calls[] = {
		{ SCMP_SYS(write), -1, 0 },
	};
	const size_t n = sizeof(calls) / sizeof(calls[0]);
#else
	static const struct sandbox_call *const calls = NULL;
	const size_t n = 0;
#endif
	static const struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS };

	if (dup2(channel, 3) != 3 || close_range(4, ~0U, 0) != 0 ||
	    close_range(0, 2, 0) != 0 || setrlimit(RLIMIT_CPU, &cpu) != 0)
		return why_errno(why, "reader of CSRs");
	if (geteuid() == 0 && (setgroups(0, NULL) != 0 ||
	    setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) != 0))
		return why_errno(why, "reader of CSRs: giving up root");
	return sandbox_filter(calls, n, why);
}

static int
put_key(gnutls_pubkey_t key, struct buf *answer, struct why *why)
{
	gnutls_datum_t der;
	int e = gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &der);

	if (e < 0)
		return keys_crypto(why, "CSR", e);
	buf_put_u8(answer, ANSWER_KEY);
	buf_put_string(answer, der.data, der.size);
	return buf_err(answer);
}

static void
child(int channel, struct span csr)
{
	struct why why = { .text = "" };
	gnutls_pubkey_t key;
	struct buf answer;
	int r;

	buf_init(&answer, ANSWER_MAX);
	if ((r = confine(channel, &why)) != 0 ||
	    (r = csr_parse(csr, &key, &why)) != 0 ||
	    (r = put_key(key, &answer, &why)) != 0) {
		buf_reset(&answer);
		buf_put_u8(&answer, ANSWER_REASON);
		buf_put_bool(&answer, r == ERR_REFUSED);
		buf_put_cstring(&answer, why.text);
	}
	_exit(path_write_all(3, answer.data, answer.len) == 0 ? 0 : 1);
}

/* ---- the parent ---------------------------------------------------------- */

static int
read_answer(int fd, struct buf *b)
{
	for (;;) {
		uint8_t *p = buf_reserve(b, 512);
		ssize_t n = p != NULL ? read(fd, p, 512) : -1;

		if (p == NULL)
			return buf_err(b);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? 0 : ERR_SYS;
		buf_commit(b, (size_t)n);
	}
}

static int
take_key(struct span der, gnutls_pubkey_t *out, struct why *why)
{
	gnutls_datum_t d = { (void *)(uintptr_t)der.p, (unsigned)der.n };
	gnutls_pubkey_t key;
	int e, r;

	if ((e = gnutls_pubkey_init(&key)) < 0)
		return keys_crypto(why, "CSR", e);
	if ((e = gnutls_pubkey_import(key, &d, GNUTLS_X509_FMT_DER)) < 0)
		r = keys_crypto(why, "the CSR's key", e);
	else
		r = keys_check_leaf(key, why);
	if (r == 0)
		*out = key;
	else
		gnutls_pubkey_deinit(key);
	return r;
}

static int
decode(const struct buf *answer, gnutls_pubkey_t *out, struct why *why)
{
	struct rd r = rd_of_buf(answer);
	struct span key = { NULL, 0 };
	char text[WHY_MAX] = "";
	bool refused = false;
	uint8_t kind = rd_u8(&r);

	if (kind == ANSWER_KEY)
		key = rd_string(&r, ANSWER_MAX);
	else {
		refused = rd_bool(&r);
		rd_cstring(&r, text, sizeof(text));
	}
	if (rd_end(&r) != 0 || kind > ANSWER_REASON)
		return why_set(why, ERR_REFUSED, "the reader of CSRs died of "
		    "this one");
	if (kind == ANSWER_REASON)
		return why_set(why, refused ? ERR_REFUSED : ERR_SYS, "%s",
		    text);
	return take_key(key, out, why);
}

int
csr_key(struct span csr, gnutls_pubkey_t *out, struct why *why)
{
	struct buf answer;
	int fds[2], r;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return why_errno(why, "pipe");
	if ((pid = fork()) == 0)
		child(fds[1], csr);
	(void)close(fds[1]);
	if (pid < 0) {
		(void)close(fds[0]);
		return why_errno(why, "reader of CSRs");
	}
	buf_init(&answer, ANSWER_MAX);
	r = read_answer(fds[0], &answer);
	(void)close(fds[0]);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	r = r == 0 ? decode(&answer, out, why) :
	    why_set(why, ERR_SYS, "reader of CSRs: %s", err_text(r));
	buf_free(&answer);
	return r;
}
