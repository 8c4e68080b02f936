#include "daemon/hostkey.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
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
	for (size_t i = 0; i < c->n_hostkey_groups; i++) {
		const char *name = c->hostkey_groups[i];
		const struct group *g = getgrnam(name);
		char *end;
		unsigned long v = strtoul(name, &end, 10);

		if (g != NULL)
			groups[i] = g->gr_gid;
		else if (*end == '\0' && v > 0 && v < 0xfffffffeUL)
			groups[i] = (gid_t)v;
		else
			return why_set(why, ERR_NOTFOUND, "hostkey-groups: "
			    "group %s does not exist", name);
	}
	return 0;
}

struct files {
	int key, cert, pin;
};

static int
open_files(const struct conf *c, bool token, struct files *f,
    struct why *why)
{
	if (!token && (f->key = path_open(c->key, PATH_SECRET, why)) < 0)
		return f->key;
	if ((f->cert = path_open(c->certificate, 0, why)) < 0)
		return f->cert;
	if (c->key_pin_file != NULL &&
	    (f->pin = open_pin(c->key_pin_file, why)) < 0)
		return f->pin;
	return 0;
}

/* argv: name, then what a token needs. */
static pid_t
spawn(struct daemon *d, const struct conf *c, const struct ids *ids,
    const struct files *f, int channel, struct why *why)
{
	bool token = strncmp(c->key, "pkcs11:", 7) == 0;
	const char *argv[6] = { "certlogin-hostkey", NULL };
	gid_t groups[CONF_GROUPS_MAX];
	struct helper_spec s = { .exe = d->programs.hostkey, .argv = argv,
	    .channel = channel, .fds = { f->key, f->cert, f->pin },
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

struct hostkey *
hostkey_start(struct daemon *d, const struct conf *c, const struct ids *ids,
    struct why *why)
{
	struct files f = { -1, -1, -1 };
	struct hostkey *h = calloc(1, sizeof(*h));
	int pair[2] = { -1, -1 }, r;

	if (h == NULL) {
		(void)why_set(why, ERR_NOMEM, "out of memory");
		return NULL;
	}
	h->control = h->host = -1;
	if ((r = open_files(c, strncmp(c->key, "pkcs11:", 7) == 0, &f,
	    why)) != 0)
		goto out;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		r = why_errno(why, "socketpair");
		goto out;
	}
	h->control = pair[0];
	/* a process that hangs must not hang us when its queue is full */
	if (fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0) {
		r = why_errno(why, "fcntl");
		goto out;
	}
	r = h->pid = spawn(d, c, ids, &f, pair[1], why);
out:
	for (int i = 0; i < 3; i++) {
		int fd = (const int[]){ f.key, f.cert, f.pin }[i];

		if (fd >= 0)
			(void)close(fd);
	}
	if (pair[1] >= 0)
		(void)close(pair[1]);
	if (r < 0) {
		hostkey_free(h, false);
		return NULL;
	}
	return h;
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

void
hostkey_free(struct hostkey *h, bool kill_it)
{
	if (h == NULL)
		return;
	if (kill_it && h->pid > 0)
		(void)kill(h->pid, SIGKILL);
	if (h->control >= 0)
		(void)close(h->control);
	if (h->host >= 0)
		(void)close(h->host);
	free(h);
}
