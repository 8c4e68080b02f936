#include "proto/msg.h"

#include <string.h>

#include "base/err.h"

#define NO_LIMIT ((size_t)-1)
#define PIXELS_MAX 65535	/* also columns and rows: struct winsize */

/* A text, cut to what its decoder takes. */
static void
put_text(struct buf *b, const char *text, size_t size)
{
	buf_put_string(b, text, strnlen(text, size - 1));
}

/* ---- login -------------------------------------------------------------- */

void
msg_login_put(struct buf *b, const struct msg_login *m)
{
	buf_put_cstring(b, m->account);
	buf_put_cstring(b, m->preferred);
}

int
msg_login_get(struct rd r, struct msg_login *m)
{
	rd_cstring(&r, m->account, sizeof(m->account));
	rd_cstring(&r, m->preferred, sizeof(m->preferred));
	return rd_end(&r);
}

void
msg_failure_put(struct buf *b, const struct msg_failure *m)
{
	buf_put_cstring(b, m->reason);
	buf_put_u64(b, m->reference);
}

int
msg_failure_get(struct rd r, struct msg_failure *m)
{
	rd_cstring(&r, m->reason, sizeof(m->reason));
	m->reference = rd_u64(&r);
	return rd_end(&r);
}

void
msg_success_put(struct buf *b, const struct msg_success *m)
{
	buf_put_cstring(b, m->account);
	buf_put_cstring(b, m->identity);
}

int
msg_success_get(struct rd r, struct msg_success *m)
{
	rd_cstring(&r, m->account, sizeof(m->account));
	rd_cstring(&r, m->identity, sizeof(m->identity));
	return rd_end(&r);
}

void
msg_banner_put(struct buf *b, const char *text)
{
	put_text(b, text, MSG_BANNER_MAX);
}

int
msg_banner_get(struct rd r, char text[MSG_BANNER_MAX])
{
	rd_cstring(&r, text, MSG_BANNER_MAX);
	return rd_end(&r);
}

void
msg_disconnect_put(struct buf *b, const struct msg_disconnect *m)
{
	buf_put_u32(b, m->code);
	buf_put_cstring(b, m->text);
}

int
msg_disconnect_get(struct rd r, struct msg_disconnect *m)
{
	m->code = rd_u32(&r);
	rd_cstring(&r, m->text, sizeof(m->text));
	return rd_end(&r);
}

/* ---- channels ------------------------------------------------------------ */

static const char *const open_names[] = {
	[MSG_OPEN_OTHER] = "",
	[MSG_OPEN_SESSION] = "session",
	[MSG_OPEN_DIRECT_STREAMLOCAL] = "direct-streamlocal@openssh.com",
	[MSG_OPEN_FORWARDED_STREAMLOCAL] = "forwarded-streamlocal@openssh.com",
};

static const char *const global_names[] = {
	[MSG_GLOBAL_OTHER] = "",
	[MSG_GLOBAL_KEEPALIVE] = "keepalive@certlogin",
	[MSG_GLOBAL_FORWARD] = "streamlocal-forward@openssh.com",
	[MSG_GLOBAL_CANCEL] = "cancel-streamlocal-forward@openssh.com",
};

static const char *const request_names[] = {
	[MSG_REQ_OTHER] = "",
	[MSG_REQ_PTY] = "pty-req",
	[MSG_REQ_ENV] = "env",
	[MSG_REQ_SHELL] = "shell",
	[MSG_REQ_EXEC] = "exec",
	[MSG_REQ_SUBSYSTEM] = "subsystem",
	[MSG_REQ_WINDOW_CHANGE] = "window-change",
	[MSG_REQ_SIGNAL] = "signal",
	[MSG_REQ_EXIT_STATUS] = "exit-status",
	[MSG_REQ_EXIT_SIGNAL] = "exit-signal",
	[MSG_REQ_EOW] = "eow@openssh.com",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Index of name, or 0 (OTHER) for names that are not ours. */
static size_t
kind_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (strcmp(name, names[i]) == 0)
			return i;
	}
	return 0;
}

/* The name that travels: the kind's own, or the one given for OTHER. */
static const char *
name_of(const char *own, const char *given)
{
	return own[0] != '\0' ? own : given;
}

void
msg_open_put(struct buf *b, const struct msg_open *m)
{
	buf_put_cstring(b, name_of(open_names[m->kind], m->name));
	buf_put_u32(b, m->channel);
	if (m->kind == MSG_OPEN_DIRECT_STREAMLOCAL) {
		buf_put_cstring(b, m->path);
		buf_put_cstring(b, NULL);
		buf_put_u32(b, 0);
	} else if (m->kind == MSG_OPEN_FORWARDED_STREAMLOCAL) {
		buf_put_cstring(b, m->path);
		buf_put_cstring(b, NULL);
	}
}

int
msg_open_get(struct rd r, struct msg_open *m)
{
	rd_cstring(&r, m->name, sizeof(m->name));
	m->kind = (enum msg_open_kind)kind_of(m->name, open_names,
	    COUNT(open_names));
	m->channel = rd_u32(&r);
	m->path[0] = '\0';
	if (m->kind == MSG_OPEN_OTHER) {
		(void)rd_rest(&r);	/* refused whatever it says */
	} else if (m->kind == MSG_OPEN_DIRECT_STREAMLOCAL) {
		rd_cstring(&r, m->path, sizeof(m->path));
		(void)rd_string(&r, NO_LIMIT);
		(void)rd_u32(&r);
	} else if (m->kind == MSG_OPEN_FORWARDED_STREAMLOCAL) {
		rd_cstring(&r, m->path, sizeof(m->path));
		(void)rd_string(&r, NO_LIMIT);
	}
	return rd_end(&r);
}

void
msg_open_failure_put(struct buf *b, const struct msg_open_failure *m)
{
	buf_put_u32(b, m->channel);
	buf_put_u32(b, m->code);
	buf_put_cstring(b, m->text);
}

int
msg_open_failure_get(struct rd r, struct msg_open_failure *m)
{
	m->channel = rd_u32(&r);
	m->code = rd_u32(&r);
	rd_cstring(&r, m->text, sizeof(m->text));
	return rd_end(&r);
}

int
msg_channel_get(struct rd r, uint32_t *channel)
{
	uint32_t v = rd_u32(&r);
	int rc = rd_end(&r);

	if (rc == 0)
		*channel = v;
	return rc;
}

int
msg_adjust_get(struct rd r, uint32_t *channel, uint32_t *n)
{
	uint32_t id = rd_u32(&r), v = rd_u32(&r);
	int rc = rd_end(&r);

	if (rc != 0)
		return rc;
	*channel = id;
	*n = v;
	return 0;
}

void
msg_global_put(struct buf *b, const struct msg_global *m)
{
	buf_put_cstring(b, name_of(global_names[m->kind], m->name));
	buf_put_bool(b, m->want_reply);
	if (m->kind == MSG_GLOBAL_FORWARD || m->kind == MSG_GLOBAL_CANCEL)
		buf_put_cstring(b, m->path);
}

int
msg_global_get(struct rd r, struct msg_global *m)
{
	rd_cstring(&r, m->name, sizeof(m->name));
	m->kind = (enum msg_global_kind)kind_of(m->name, global_names,
	    COUNT(global_names));
	m->want_reply = rd_bool(&r);
	m->path[0] = '\0';
	if (m->kind == MSG_GLOBAL_OTHER)
		(void)rd_rest(&r);
	else if (m->kind != MSG_GLOBAL_KEEPALIVE)
		rd_cstring(&r, m->path, sizeof(m->path));
	return rd_end(&r);
}

/* ---- channel requests ------------------------------------------------------ */

const char *
msg_request_name(enum msg_request_kind kind)
{
	return request_names[kind];
}

void
msg_request_put(struct buf *b, const struct msg_request *m)
{
	buf_put_u32(b, m->channel);
	buf_put_cstring(b, name_of(request_names[m->kind], m->name));
	buf_put_bool(b, m->want_reply);
	buf_put_raw(b, m->body.p, m->body.n);
}

int
msg_request_get(struct rd r, struct msg_request *m)
{
	m->channel = rd_u32(&r);
	rd_cstring(&r, m->name, sizeof(m->name));
	m->kind = (enum msg_request_kind)kind_of(m->name, request_names,
	    COUNT(request_names));
	m->want_reply = rd_bool(&r);
	m->body = rd_rest(&r);
	return rd_end(&r);
}

int
msg_request_check(enum msg_request_kind kind, struct span body)
{
	struct msg_exit_signal exit_signal;
	struct msg_window window;
	struct msg_pty pty;
	struct msg_env env;
	struct span text;
	char name[MSG_NAME_MAX];
	uint32_t status;

	switch (kind) {
	case MSG_REQ_PTY:
		return msg_pty_get(body, &pty);
	case MSG_REQ_ENV:
		return msg_env_get(body, &env);
	case MSG_REQ_EXEC:
	case MSG_REQ_SUBSYSTEM:
		return msg_text_get(body, &text);
	case MSG_REQ_WINDOW_CHANGE:
		return msg_window_get(body, &window);
	case MSG_REQ_SIGNAL:
		return msg_signal_get(body, name);
	case MSG_REQ_EXIT_STATUS:
		return msg_exit_status_get(body, &status);
	case MSG_REQ_EXIT_SIGNAL:
		return msg_exit_signal_get(body, &exit_signal);
	case MSG_REQ_SHELL:
	case MSG_REQ_EOW:
		return body.n == 0 ? 0 : ERR_TRAILING;
	case MSG_REQ_OTHER:
		return 0;
	}
	return ERR_INTERNAL;
}

void
msg_window_put(struct buf *b, const struct msg_window *m)
{
	buf_put_u32(b, m->columns);
	buf_put_u32(b, m->rows);
	buf_put_u32(b, m->width);
	buf_put_u32(b, m->height);
}

static void
get_window(struct rd *r, struct msg_window *m)
{
	m->columns = rd_u32(r);
	m->rows = rd_u32(r);
	m->width = rd_u32(r);
	m->height = rd_u32(r);
	if (r->err == 0 && (m->columns > PIXELS_MAX || m->rows > PIXELS_MAX ||
	    m->width > PIXELS_MAX || m->height > PIXELS_MAX))
		r->err = ERR_TOOBIG;
}

int
msg_window_get(struct span body, struct msg_window *m)
{
	struct rd r = rd_of_span(body);

	get_window(&r, m);
	return rd_end(&r);
}

void
msg_pty_put(struct buf *b, const struct msg_pty *m)
{
	put_text(b, m->term, sizeof(m->term));
	msg_window_put(b, &m->window);
	buf_put_string(b, m->modes.p, m->modes.n);
}

int
msg_pty_get(struct span body, struct msg_pty *m)
{
	struct rd r = rd_of_span(body);

	rd_cstring(&r, m->term, sizeof(m->term));
	get_window(&r, &m->window);
	m->modes = rd_string(&r, MSG_MODES_MAX);
	return rd_end(&r);
}

void
msg_env_put(struct buf *b, const char *name, const char *value)
{
	buf_put_cstring(b, name);
	buf_put_cstring(b, value);
}

/* A string of any length within its frame, without NUL. */
static struct span
get_string(struct rd *r)
{
	struct span s = rd_string(r, NO_LIMIT);

	if (r->err == 0 && s.n > 0 && memchr(s.p, '\0', s.n) != NULL)
		r->err = ERR_MALFORMED;
	return s;
}

int
msg_env_get(struct span body, struct msg_env *m)
{
	struct rd r = rd_of_span(body);

	rd_cstring(&r, m->name, sizeof(m->name));
	m->value = get_string(&r);
	return rd_end(&r);
}

int
msg_text_get(struct span body, struct span *text)
{
	struct rd r = rd_of_span(body);
	struct span s = get_string(&r);
	int rc = rd_end(&r);

	if (rc == 0)
		*text = s;
	return rc;
}

int
msg_signal_get(struct span body, char name[MSG_NAME_MAX])
{
	struct rd r = rd_of_span(body);

	rd_cstring(&r, name, MSG_NAME_MAX);
	return rd_end(&r);
}

int
msg_exit_status_get(struct span body, uint32_t *status)
{
	struct rd r = rd_of_span(body);
	uint32_t v = rd_u32(&r);
	int rc = rd_end(&r);

	if (rc == 0)
		*status = v;
	return rc;
}

void
msg_exit_signal_put(struct buf *b, const struct msg_exit_signal *m)
{
	buf_put_cstring(b, m->name);
	buf_put_bool(b, m->core);
	buf_put_cstring(b, m->text);
}

int
msg_exit_signal_get(struct span body, struct msg_exit_signal *m)
{
	struct rd r = rd_of_span(body);

	rd_cstring(&r, m->name, sizeof(m->name));
	m->core = rd_bool(&r);
	rd_cstring(&r, m->text, sizeof(m->text));
	return rd_end(&r);
}
