/*
 * certlogin-fetch: gets one file, a CRL, for certloginctl, and hands on its
 * bytes.
 *
 * It may: talk to the network, read what name service and TLS need, or open
 * one file that everybody may read.  It never sees: trust.conf, the CRL in
 * place, what becomes of the bytes.
 *
 * Descriptors: 3 channel; 4 the pipe that the bytes go to.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/about.h"
#include "base/helper.h"
#include "base/sandbox.h"
#include "fetch/calls.h"
#include "fetch/get.h"
#include "proto/chan.h"
#include "proto/crlmsg.h"

#define GRACE 10		/* seconds behind those that it was given */

static bool
is_path(const char *url)
{
	return url[0] == '/';
}

/* It ends with whoever started it.  The C library looks for a time zone's
 * file when it first needs one. */
static int
settle(uint32_t seconds)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)alarm(seconds + GRACE);
	if (setenv("TZ", "UTC0", 1) != 0)
		return ERR_NOMEM;
	tzset();
	return 0;
}

static int
fetch_file(const char *path, struct why *why)
{
	int r, fd = get_open(path, why);

	if (fd < 0)
		return fd;
	if ((r = sandbox_enter(calls_file, CALLS_FILE, why)) == 0)
		r = get_file(fd, HELPER_FD, why);
	(void)close(fd);
	return r;
}

static int
fetch_url(const char *url, uint32_t seconds, struct why *why)
{
	const char *files[GET_FILES_MAX];
	int r;

	if ((r = get_init(why)) != 0)
		return r;
	get_files(files);
	if ((r = sandbox_reading(files, why)) != 0 ||
	    (r = sandbox_enter(calls_url, CALLS_URL, why)) != 0)
		return r;
	return get_url(url, seconds, HELPER_FD, why);
}

/* What the server or the library said goes to terminals and logs. */
static int
send_done(struct buf *b, int r, const struct why *why)
{
	char text[IPC_TEXT_MAX];

	(void)err_escape(text, sizeof(text), why->text, strlen(why->text));
	if ((r = crlmsg_done_encode(b, r == 0, r == 0 ? "" : text)) != 0)
		return r;
	return chan_send(HELPER_CHANNEL, b, NULL, 0);
}

/* The question is certloginctl's: it is decoded before the sandbox, whose
 * shape it decides.  Everything else comes behind that. */
static int
serve(void)
{
	char url[CRLMSG_URL_MAX];
	struct why why = { "" };
	uint32_t seconds;
	struct chan_msg m;
	struct buf b;
	int r;

	buf_init(&b, CHAN_MSG_MAX);
	if ((r = chan_recv(HELPER_CHANNEL, &b, &m, 0)) == 0)
		r = m.type != IPC_FETCH_GET ? ERR_TYPE :
		    crlmsg_get_decode(m.body, url, &seconds);
	if (r == 0 && (r = settle(seconds)) == 0) {
		r = is_path(url) ? fetch_file(url, &why) :
		    fetch_url(url, seconds, &why);
		(void)close(HELPER_FD);
		r = send_done(&b, r, &why);
	}
	buf_free(&b);
	return r;
}

int
main(int argc, char **argv)
{
	if (about_asked("certlogin-fetch", sandbox_text(), argc, argv))
		return 0;
	if (argc != 1 || helper_begin("certlogin-fetch") != 0) {
		(void)fprintf(stderr, "certlogin-fetch: is started by "
		    "certloginctl, not by hand\n");
		return 2;
	}
	return serve() == 0 ? 0 : 3;
}
