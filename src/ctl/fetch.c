/*
 * certloginctl fetch-crls: each authority's CRLs from where trust.conf says.
 * A helper without privilege gets the bytes, another judges them; here they
 * are opaque, and put in place when the judge said so.  Needs no certlogind.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/memfile.h"
#include "base/oneshot.h"
#include "base/path.h"
#include "ctl/crls.h"
#include "ctl/ctl.h"
#include "ctl/download.h"
#include "ctl/host.h"
#include "ctl/print.h"
#include "ctl/say.h"
#include "proto/seen.h"

#define LOCK_MS 30000		/* another one judges and writes one file */
#define NEW_MODE 0644

enum result { NEW, SAME, REFUSED, NOT_FETCHED, FAILED };

struct fetching {
	const struct options *o;
	struct host host;
};

/* One file, and what became of it. */
struct item {
	const struct crlmsg_item *conf;
	struct buf bytes;		/* fetched */
	enum result result;
	struct why problem;		/* of REFUSED and later */
	struct crlmsg_judged judged;
	bool due;			/* in place: none that counts, or one
					 * past half of its life */
};

/* ---- asking a judge ------------------------------------------------------ */

static int
start_judge(struct oneshot *o, struct why *why)
{
	static const char *const argv[] = { "certlogin-judge", "crl", NULL };
	const struct oneshot_spec s = { .argv = argv, .user = JUDGE_USER,
	    .locked = true, .fd = -1 };

	return oneshot_start(o, &s, why);
}

/* An exit status. */
static int
list(const struct fetching *f, struct crlmsg_listed *out)
{
	struct oneshot judge;
	struct diag diag;
	struct why why;
	int r;

	diag_init(&diag);
	if ((r = start_judge(&judge, &why)) == 0) {
		r = crls_list(judge.channel, f->host.trust, out, &diag, &why);
		oneshot_end(&judge);
	}
	say_errors(&diag);
	diag_free(&diag);
	if (r != 0)
		return say_error(EXIT_COULD_NOT, "%s", why.text);
	return out->ok ? EXIT_DONE : say_error(EXIT_COULD_NOT, "%s has "
	    "errors; nothing was fetched", f->host.trust);
}

/* A judge for each file: what one holds cannot mislead it about another. */
static int
judge_bytes(const struct fetching *f, struct item *it, bool fetched,
    struct why *why)
{
	struct ipc_load_begin *seen = calloc(1, sizeof(*seen));
	struct oneshot judge;
	int fd = -1, r = ERR_NOMEM;

	if (seen == NULL || (fetched && (fd = memfile_make("crl",
	    it->bytes.data, it->bytes.len)) < 0))
		(void)why_set(why, r, "out of memory");
	else if ((r = seen_read(f->host.state, seen, why)) == 0 &&
	    (r = start_judge(&judge, why)) == 0) {
		r = crls_judge(judge.channel, f->host.trust, it->conf, fd,
		    seen->seen, seen->n_seen, &it->judged, why);
		oneshot_end(&judge);
	}
	if (fd >= 0)
		(void)close(fd);
	free(seen);
	return r;
}

/* ---- putting in place ---------------------------------------------------- */

/* path of the file, and of its folder */
static int
file_path(const struct fetching *f, const struct item *it,
    char path[PATH_MAX], char dir[PATH_MAX], struct why *why)
{
	const char *slash = strrchr(f->host.trust, '/');

	if (snprintf(path, PATH_MAX, "%.*s/%s", (int)(slash - f->host.trust),
	    f->host.trust, it->conf->file) >= PATH_MAX)
		return why_set(why, ERR_TOOBIG, "path too long");
	(void)snprintf(dir, PATH_MAX, "%.*s",
	    (int)(strrchr(path, '/') - path), path);
	return 0;
}

/* Only into a folder that nobody else writes to, and only over a file that is
 * public, as no key is. */
static int
place(const struct fetching *f, const struct item *it, struct why *why)
{
	char path[PATH_MAX], dir[PATH_MAX];
	struct stat st = { .st_mode = NEW_MODE };
	int fd, r;

	if ((r = file_path(f, it, path, dir, why)) != 0 ||
	    (r = fd = path_open(dir, PATH_DIR, why)) < 0)
		return r;
	(void)close(fd);
	fd = path_open(path, PATH_PUBLIC, why);
	if (fd == ERR_NOTFOUND)
		return path_replace(path, NEW_MODE, it->bytes.data,
		    it->bytes.len, why);
	if (fd < 0)
		return fd;
	r = fstat(fd, &st) == 0 ? path_replace_like(path, &st,
	    it->bytes.data, it->bytes.len, why) : why_errno(why, "%s", path);
	(void)close(fd);
	return r;
}

/* ---- one file ------------------------------------------------------------ */

static void
settle(const struct fetching *f, struct item *it, bool fetched)
{
	struct why why;

	if (judge_bytes(f, it, fetched, &why) != 0) {
		it->result = FAILED;
		it->problem = why;
		return;
	}
	if (!fetched)
		return;
	switch (it->judged.outcome) {
	case CRLMSG_REPLACE:
		it->result = place(f, it, &it->problem) == 0 ? NEW :
		    FAILED;
		break;
	case CRLMSG_SAME:
		it->result = SAME;
		break;
	default:
		it->result = REFUSED;
		(void)why_set(&it->problem, ERR_REFUSED, "%s",
		    it->judged.problem);
	}
}

/* Nobody comes between what is judged and what is replaced; fetching waits
 * for nobody. */
static void
fetch(const struct fetching *f, struct item *it)
{
	char lock[PATH_MAX];
	struct why why;
	int fd, r;

	r = download(it->conf->url, f->o->seconds, &it->bytes, &it->problem);
	it->result = r == ERR_STATE ? FAILED : NOT_FETCHED;
	if (it->result == FAILED)
		return;
	if (snprintf(lock, sizeof(lock), "%s/fetch-crls.lock",
	    f->host.state) >= (int)sizeof(lock))
		fd = why_set(&why, ERR_TOOBIG, "path too long");
	else
		fd = lock_file(lock, LOCK_MS, &why);
	if (fd < 0) {
		it->result = FAILED;
		it->problem = why;
		return;
	}
	settle(f, it, r == 0);
	(void)close(fd);
	it->due = it->result != FAILED && (!it->judged.usable ||
	    it->judged.half < (int64_t)time(NULL));
}

/* ---- telling ------------------------------------------------------------- */

static const char *const results[] = { [NEW] = "new", [SAME] = "unchanged",
    [REFUSED] = "refused", [NOT_FETCHED] = "not fetched",
    [FAILED] = "failed" };

static int
status_of(const struct item *it)
{
	if (it->result == FAILED)
		return EXIT_COULD_NOT;
	return it->result == REFUSED || it->due ? EXIT_PROBLEM : EXIT_DONE;
}

static void
tell_problem(const struct item *it)
{
	const struct crlmsg_item *c = it->conf;

	if (it->result < REFUSED)
		return;
	log_warn("fetch-crls: CRL %s of authority %s: %s: %s: %s", c->file,
	    c->authority, c->url, results[it->result], it->problem.text);
	(void)say_error(0, "CRL %s of authority %s: %s: %s: %s; what is in "
	    "place stays", c->file, c->authority, c->url,
	    results[it->result], it->problem.text);
}

static void
tell_new(const struct item *it)
{
	char end[PRINT_TIME_MAX];

	if (it->result == NEW)
		log_info("fetch-crls: CRL %s of authority %s is new, until "
		    "%s", it->conf->file, it->conf->authority,
		    print_time(end, it->judged.next_update));
}

/* There is none in place, or it is old, and no newer one could be had. */
static void
tell_due(const struct item *it)
{
	char half[PRINT_TIME_MAX], end[PRINT_TIME_MAX], text[400];
	const struct crlmsg_item *c = it->conf;

	if (!it->due)
		return;
	if (!it->judged.usable)
		(void)snprintf(text, sizeof(text), "there is none in place "
		    "that counts (%s)", it->judged.in_place);
	else
		(void)snprintf(text, sizeof(text), "the newest there is is "
		    "past half of its life since %s, and counts until %s",
		    print_time(half, it->judged.half),
		    print_time(end, it->judged.next_update));
	log_warn("fetch-crls: CRL %s of authority %s: %s", c->file,
	    c->authority, text);
	(void)say_error(0, "CRL %s of authority %s: %s; expected a newer one "
	    "at %s", c->file, c->authority, text, c->url);
}

static void
print(struct print *p, const struct item *it)
{
	const struct crlmsg_judged *j = &it->judged;

	print_put(p, CTLMSG_RECORD, "crl", "", 0);
	print_put(p, CTLMSG_TEXT, "authority", it->conf->authority, 0);
	print_put(p, CTLMSG_TEXT, "file", it->conf->file, 0);
	print_put(p, CTLMSG_TEXT, "url", it->conf->url, 0);
	print_put(p, CTLMSG_TEXT, "result", results[it->result], 0);
	print_put(p, CTLMSG_TEXT, "problem", it->result >= REFUSED ?
	    it->problem.text : "", 0);
	print_put(p, CTLMSG_TEXT, "in-place", j->in_place, 0);
	print_put(p, CTLMSG_TEXT, "usable", it->result == FAILED ? "" :
	    j->usable ? "yes" : "no", 0);
	print_put(p, CTLMSG_TIME, "this-update", "", j->this_update);
	print_put(p, CTLMSG_TIME, "next-update", "", j->next_update);
	print_put(p, CTLMSG_TIME, "half", "", j->half);
	print_put(p, CTLMSG_TEXT, "due", it->result == FAILED ? "" :
	    it->due ? "yes" : "no", 0);
	(void)fflush(stdout);
}

static int
do_one(const struct fetching *f, const struct crlmsg_item *conf,
    struct print *p)
{
	struct item it = { .conf = conf };
	int rc;

	buf_init(&it.bytes, IPC_LOAD_FILE_MAX);
	fetch(f, &it);
	print(p, &it);
	tell_new(&it);
	tell_problem(&it);
	tell_due(&it);
	rc = status_of(&it);
	buf_free(&it.bytes);
	return rc;
}

/* ---- all of them --------------------------------------------------------- */

static bool
is_chosen(const struct options *o, const char *authority)
{
	for (size_t i = 0; i < o->n_arguments; i++)
		if (strcmp(o->arguments[i], authority) == 0)
			return true;
	return o->n_arguments == 0;
}

static int
check_names(const struct fetching *f, const struct crlmsg_listed *l)
{
	for (size_t i = 0; i < f->o->n_arguments; i++) {
		bool found = false;

		for (size_t k = 0; k < l->n; k++)
			found |= strcmp(f->o->arguments[i],
			    l->item[k].authority) == 0;
		if (!found)
			return say_error(EXIT_USAGE, "%s has nothing fetched "
			    "for an authority '%s': expected a crl-url there",
			    f->host.trust, f->o->arguments[i]);
	}
	if (l->n == 0 && !f->o->json)
		(void)printf("no authority of %s has a crl-url\n",
		    f->host.trust);
	return EXIT_DONE;
}

static int
fetch_all(const struct fetching *f, const struct crlmsg_listed *l)
{
	struct print p = { .json = f->o->json };
	int rc = EXIT_DONE, one;

	for (size_t i = 0; i < l->n; i++) {
		if (!is_chosen(f->o, l->item[i].authority))
			continue;
		one = do_one(f, &l->item[i], &p);
		/* what could not be done says more than what was refused */
		if (one > rc)
			rc = one;
	}
	print_end(&p);
	return rc;
}

int
fetch_run(const struct options *o)
{
	struct fetching *f = calloc(1, sizeof(*f));
	struct crlmsg_listed *l = calloc(1, sizeof(*l));
	int rc = EXIT_COULD_NOT;

	if (f == NULL || l == NULL)
		(void)say_error(rc, "out of memory");
	else if ((rc = host_need_root("fetch-crls")) == EXIT_DONE &&
	    (rc = host_find(&f->host, o)) == EXIT_DONE) {
		f->o = o;
		log_open("certloginctl", 0, LOG_LEVEL_INFO);
		if ((rc = list(f, l)) == EXIT_DONE &&
		    (rc = check_names(f, l)) == EXIT_DONE)
			rc = fetch_all(f, l);
	}
	free(f);
	free(l);
	return rc;
}
