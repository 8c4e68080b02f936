/*
 * How a program talks to the certlogin-p11 that it starts: one process, one
 * driver.  Each answer has a time limit; when it passes, or when the process
 * ends or answers nonsense, the process is killed and every later call fails
 * with ERR_STATE.
 */
#ifndef CRED_P11_H
#define CRED_P11_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "cred/p11msg.h"

#define P11_LIMIT_MS 30000	/* of one answer, where none is set */
#define P11_AHEAD_MAX 4		/* all fit into the channel's queue */

struct p11_conf {
	const char *dir;	/* of certlogin-p11; NULL: as installed */
	const char *module;	/* absolute path of the driver */
	const char *const *env;	/* NAME=VALUE for the driver, nothing else */
	size_t n_env;
	int limit_ms;		/* 0: P11_LIMIT_MS */
};

struct p11;

/* Start certlogin-p11 with the caller's ids and let it load the driver. */
int p11_start(struct p11 **out, const struct p11_conf *conf,
    struct why *why);
/* The same in two steps for a certlogin-p11 or certlogin-keyfile (name, kept)
 * that somebody else started and ends: fd is its channel and p's from now on,
 * also on failure.  Before p11_load only p11_local may be asked. */
int p11_adopt(struct p11 **out, const char *name, int fd, int limit_ms,
    struct why *why);
int p11_load(struct p11 *p, const struct p11_conf *conf, struct why *why);
/* Is the starter local, on behalf of this real uid?  ERR_REFUSED: no; then
 * nothing can be loaded either. */
int p11_local(struct p11 *p, uint32_t uid, struct why *why);
/* No more questions: the driver may log out meanwhile.  p11_stop is still
 * due. */
void p11_close(struct p11 *p);
/* End it: the driver logs out and finalises, within a second.  NULL is
 * fine. */
void p11_stop(struct p11 *p);

/* Certificates with a private key that fit an RFC 7512 URI (NULL: all), CAs
 * left out.  *certs is the caller's, to be freed with free(). */
int p11_list(struct p11 *p, const char *uri, struct p11_cert **certs,
    size_t *n, struct why *why);
/*
 * The same questions in two steps, so that the driver works on them while
 * their asker does something else.  At most P11_AHEAD_MAX may be without an
 * answer, ERR_STATE else; the answers come in the order of the questions.  What follows one
 * that fails is answered by ERR_STATE.
 */
int p11_ask_local(struct p11 *p, uint32_t uid, struct why *why);
int p11_ask_load(struct p11 *p, const struct p11_conf *conf,
    struct why *why);
int p11_ask_list(struct p11 *p, const char *uri, struct why *why);
int p11_ask_open(struct p11 *p, size_t i, struct why *why);
int p11_ask_login(struct p11 *p, const void *pin, size_t n,
    struct why *why);
int p11_ask_sign(struct p11 *p, uint16_t scheme, struct span data,
    struct why *why);
int p11_answer(struct p11 *p, uint32_t *flags, struct why *why);
int p11_answer_list(struct p11 *p, struct p11_cert **certs, size_t *n,
    struct why *why);
int p11_answer_sign(struct p11 *p, struct buf *sig, struct why *why);

/* enum p11_flag of the last answer. */
uint32_t p11_flags(const struct p11 *p);
/* Take one of the last list by its place; *flags (enum p11_flag) afresh. */
int p11_open(struct p11 *p, size_t i, uint32_t *flags, struct why *why);
/* Give the PIN (n 0: the reader asks).  *flags is set on failure too, so
 * that the caller sees whether another try is wise: ERR_REFUSED is a wrong
 * PIN or a locked token.  The caller wipes its PIN. */
int p11_login(struct p11 *p, const void *pin, size_t n, uint32_t *flags,
    struct why *why);
/* Sign data in a scheme of RFC 8446 section 4.2.3; the signature is appended
 * to sig. */
int p11_sign(struct p11 *p, uint16_t scheme, struct span data,
    struct buf *sig, struct why *why);

#endif
