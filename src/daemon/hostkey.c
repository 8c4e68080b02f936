#include "daemon/hostkey.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/memfile.h"
#include "base/path.h"
#include "proto/chan.h"

#define PIN_MAX 256
#define CERT_FILE_MAX 65536	/* what certlogin-hostkey reads */

/* The PIN goes through a pipe, never through arguments or environment. */
static int
open_pin(const char *path, struct why *why)
{
	struct buf pin;
	int p[2], r;

	buf_init_secret(&pin, PIN_MAX + 1);
	if ((r = path_load(path, PATH_SECRET, PIN_MAX, &pin, why)) != 0)
		goto out;
	while (pin.len > 0 && pin.data[pin.len - 1] == '\n')
		pin.len--;
	if (pipe2(p, O_CLOEXEC) != 0) {
		r = why_errno(why, "pipe");
		goto out;
	}
	r = path_write_all(p[1], pin.data, pin.len);
	(void)close(p[1]);
	if (r != 0) {
		r = why_errno(why, "pipe");
		(void)close(p[0]);
	} else
		r = p[0];
out:
	buf_free(&pin);
	return r;
}

static int
find_groups(const struct conf *c, gid_t *groups, struct why *why)
{
	struct why inner;
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->n_hostkey_groups; i++)
		r = helper_group(c->hostkey_groups[i], &groups[i], &inner);
	return r == 0 ? 0 : why_set(why, r, "hostkey-groups: %.400s",
	    inner.text);
}

/* Open and note what it was before it is read. */
static int
open_noted(const char *path, int flags, struct ipc_sources *sources,
    struct why *why)
{
	int fd = path_open(path, flags, why);

	/* paths of certlogind.conf are short enough, and three */
	(void)ipc_sources_add(sources, path, flags, fd);
	return fd;
}

/* The certificate is public, so that root may keep its bytes. */
static int
copy_certificate(const char *path, struct ipc_sources *sources,
    struct why *why)
{
	int fd = open_noted(path, 0, sources, why), r;
	struct buf b;

	if (fd < 0)
		return fd;
	buf_init(&b, CERT_FILE_MAX + 1);
	if ((r = path_read(fd, CERT_FILE_MAX, &b, why)) == 0) {
		r = memfile_make("certlogin-certificate", b.data, b.len);
		if (r < 0)
			(void)why_set(why, r, "%s: %s", path, err_text(r));
	}
	buf_free(&b);
	(void)close(fd);
	return r;
}

static bool
is_token(const struct conf *c)
{
	return strncmp(c->key, "pkcs11:", 7) == 0;
}

/* All are tried, so that all are known where one is not there; the PIN is
 * read later. */
static int
open_files(struct hostkey *h, const struct conf *c,
    struct ipc_sources *sources, struct why *why)
{
	int pin;

	h->certificate = copy_certificate(c->certificate, sources, why);
	if (!is_token(c))
		h->key = open_noted(c->key, PATH_SECRET, sources,
		    h->certificate >= 0 ? why : NULL);
	if (c->key_pin_file != NULL && (pin = open_noted(c->key_pin_file,
	    PATH_SECRET, sources, NULL)) >= 0)
		(void)close(pin);
	if (h->certificate < 0)
		return h->certificate;
	return is_token(c) || h->key >= 0 ? 0 : h->key;
}

/* The same descriptors for another process. */
static int
copy_files(struct hostkey *h, const struct hostkey *old, struct why *why)
{
	h->certificate = fcntl(old->certificate, F_DUPFD_CLOEXEC, 3);
	if (old->key >= 0)
		h->key = fcntl(old->key, F_DUPFD_CLOEXEC, 3);
	return h->certificate < 0 || (old->key >= 0 && h->key < 0) ?
	    why_errno(why, "host key's files") : 0;
}

/* argv: name, then what a token needs. */
static pid_t
spawn(struct daemon *d, const struct conf *c, const struct ids *ids,
    const struct hostkey *hk, int pin, int channel, struct why *why)
{
	bool token = is_token(c);
	const char *argv[6] = { "certlogin-hostkey", NULL };
	gid_t groups[CONF_GROUPS_MAX];
	struct helper_spec s = { .exe = d->programs.hostkey, .argv = argv,
	    .channel = channel, .fds = { hk->key, hk->certificate, pin },
	    .n_fds = 3, .uid = ids->uid, .gid = ids->gid,
	    .groups = groups, .n_groups = c->n_hostkey_groups,
	    .chroot_dir = token ? -1 : d->empty_dir };
	int r;

	if ((r = find_groups(c, groups, why)) != 0)
		return r;
	if (token) {
		argv[1] = "--module";
		argv[2] = c->key_module;
		argv[3] = c->hostkey_network ? "--network" : "--no-network";
		argv[4] = c->key;
	}
	return helper_spawn(&s, why);
}

static struct hostkey *
new_hostkey(void)
{
	struct hostkey *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->refs = 1;
	h->control = h->host = h->key = h->certificate = -1;
	return h;
}

/* Its files are open: now the process. */
static int
start(struct daemon *d, const struct conf *c, const struct ids *ids,
    struct hostkey *h, struct why *why)
{
	int pair[2], pin = -1, r;

	if (c->key_pin_file != NULL &&
	    (pin = open_pin(c->key_pin_file, why)) < 0)
		return pin;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		r = why_errno(why, "socketpair");
		goto out;
	}
	h->control = pair[0];
	/* a process that hangs must not hang us when its queue is full */
	if (fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0)
		r = why_errno(why, "fcntl");
	else
		r = h->pid = spawn(d, c, ids, h, pin, pair[1], why);
	(void)close(pair[1]);
out:
	if (pin >= 0)
		(void)close(pin);
	return r < 0 ? r : 0;
}

int
hostkey_start(struct daemon *d, const struct conf *c, const struct ids *ids,
    struct hostkey **out, struct ipc_sources *sources, struct why *why)
{
	struct hostkey *h = new_hostkey();
	int r;

	sources->n = 0;
	if (h == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	if ((r = open_files(h, c, sources, why)) == 0 &&
	    (r = start(d, c, ids, h, why)) == 0)
		*out = h;
	else
		hostkey_free(h, false);
	return r;
}

int
hostkey_again(struct daemon *d, const struct conf *c, const struct ids *ids,
    const struct hostkey *old, struct hostkey **out, struct why *why)
{
	struct hostkey *h = new_hostkey();
	int r;

	if (h == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	if ((r = copy_files(h, old, why)) == 0 &&
	    (r = start(d, c, ids, h, why)) == 0)
		*out = h;
	else
		hostkey_free(h, false);
	return r;
}

static int
keep_host(struct hostkey *h, struct rd body)
{
	struct ipc_host host;
	struct buf b;
	int r = ipc_key_ready_decode(body, &host, &h->not_after);

	if (r != 0)
		return r;
	buf_init(&b, CHAN_MSG_MAX);
	ipc_host_put(&b, &host);
	r = buf_err(&b) != 0 ? buf_err(&b) :
	    memfile_make("certlogin-host", b.data, b.len);
	buf_free(&b);
	if (r < 0)
		return r;
	h->host = r;
	return 0;
}

int
hostkey_ready(struct hostkey *h, int ms, struct why *why)
{
	char text[IPC_TEXT_MAX];
	struct chan_msg m;
	struct buf in;
	int r;

	buf_init(&in, CHAN_MSG_MAX);
	r = chan_recv_timeout(h->control, &in, &m, 0, ms);
	if (r == 0 && m.type == IPC_KEY_FAILED &&
	    ipc_text_decode(m.body, text) == 0)
		r = why_set(why, ERR_REFUSED, "host key: %.400s", text);
	else if (r == 0 && m.type == IPC_KEY_READY) {
		if ((r = keep_host(h, m.body)) != 0)
			(void)why_set(why, r, "certlogin-hostkey: %s",
			    err_text(r));
	} else
		r = why_set(why, r == 0 ? ERR_TYPE : r, "certlogin-hostkey "
		    "did not get ready: %s", err_text(r == 0 ? ERR_TYPE : r));
	buf_free(&in);
	return r;
}

int
hostkey_channel(struct hostkey *h, const struct limits_source *source)
{
	int pair[2], r;
	struct buf b;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return ERR_SYS;
	buf_init(&b, CHAN_MSG_MAX);
	(void)ipc_key_channel_encode(&b,
	    (struct span){ source->key, source->len });
	r = chan_send(h->control, &b, &pair[1], 1);
	buf_free(&b);
	(void)close(pair[1]);
	if (r != 0) {
		(void)close(pair[0]);
		return r;
	}
	return pair[0];
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

struct hostkey *
hostkey_keep(struct hostkey *h)
{
	h->refs++;
	return h;
}

void
hostkey_drop(struct hostkey *h)
{
	if (h == NULL || --h->refs > 0)
		return;
	close_fd(&h->host);
	free(h);
}

void
hostkey_free(struct hostkey *h, bool kill_it)
{
	if (h == NULL)
		return;
	if (kill_it && h->pid > 0)
		(void)kill(h->pid, SIGKILL);
	close_fd(&h->control);
	close_fd(&h->key);
	close_fd(&h->certificate);
	hostkey_drop(h);
}
