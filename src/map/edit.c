/* certlogin-map edit: the map in the admin's editor, as visudo has it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/prompt.h"
#include "map/change.h"
#include "map/say.h"

#define WORDS_MAX 16			/* of $VISUAL */
#define DRAFT "certlogin-map."		/* the folder's name, and */
#define DRAFT_X "XXXXXX"		/* what mkdtemp() makes another */
#define FOLDER_TRIES 4

/* A private folder with the copy that is edited; what an editor leaves beside
 * the copy goes with it. */
struct draft {
	int lock;		/* the folder, locked: for whom it is there */
	char dir[PATH_MAX];
	char file[PATH_MAX + NAME_MAX + 2];
};

/* ---- the copy ----------------------------------------------------------------------- */

static int
remove_one(const char *path, const struct stat *st, int type,
    struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	(void)remove(path);
	return 0;
}

static void
remove_folder(const char *dir)
{
	(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A folder that nobody else can reach or exchange anything in, locked: a
 * descriptor; ERR_STATE where it is none, or somebody is at it. */
static int
lock_folder(const char *dir, struct why *why)
{
	struct stat st;
	int fd = path_open(dir, PATH_DIR, why);

	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 &&
	    st.st_uid == geteuid() && (st.st_mode & 07777) == 0700 &&
	    st.st_nlink > 0)
		return fd;
	(void)close(fd);
	return why_set(why, ERR_STATE, "%s: was taken away while it was made",
	    dir);
}

/* What an `edit' that was killed has left, once its editor has ended, too. */
static void
sweep(const char *tmp)
{
	const size_t n = strlen(DRAFT);
	const struct dirent *e;
	char dir[PATH_MAX];
	DIR *d = opendir(tmp);
	struct why why;
	int fd;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strncmp(e->d_name, DRAFT, n) != 0 ||
		    strlen(e->d_name) != n + strlen(DRAFT_X) ||
		    snprintf(dir, sizeof(dir), "%s/%s", tmp, e->d_name) >=
		    (int)sizeof(dir) || (fd = lock_folder(dir, &why)) < 0)
			continue;
		remove_folder(dir);
		(void)close(fd);
	}
	if (d != NULL)
		(void)closedir(d);
}

/* Nobody else can reach or exchange what lies in it.  Whoever sweeps before
 * it is locked takes it away: once more. */
static int
make_folder(struct draft *d, struct why *why)
{
	const char *tmp = getenv("TMPDIR");
	int r = ERR_STATE;

	if (tmp == NULL || tmp[0] != '/')
		tmp = "/tmp";
	sweep(tmp);
	for (int i = 0; i < FOLDER_TRIES && r == ERR_STATE; i++) {
		if (snprintf(d->dir, sizeof(d->dir), "%s/" DRAFT DRAFT_X,
		    tmp) >= (int)sizeof(d->dir) || mkdtemp(d->dir) == NULL) {
			d->dir[0] = '\0';
			return why_errno(why, "%s: no folder for a copy of "
			    "the map", tmp);
		}
		if ((r = d->lock = lock_folder(d->dir, why)) >= 0)
			return 0;
		(void)rmdir(d->dir);
	}
	d->dir[0] = '\0';
	return r;
}

static int
draft_make(struct draft *d, const char *map, const struct buf *text,
    struct why *why)
{
	int fd, r = make_folder(d, why);

	if (r != 0)
		return r;
	(void)snprintf(d->file, sizeof(d->file), "%s/%s", d->dir,
	    strrchr(map, '/') + 1);
	fd = open(d->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return why_errno(why, "%s", d->file);
	if (path_write_all(fd, text->data, text->len) != 0)
		r = why_errno(why, "%s", d->file);
	if (close(fd) != 0 && r == 0)
		r = why_errno(why, "%s", d->file);
	return r;
}

/* What the editor made of it: another file under that name, perhaps. */
static int
draft_read(const struct draft *d, struct buf *text, struct why *why)
{
	int fd = open(d->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK), r;

	if (fd < 0)
		return why_errno(why, "%s", d->file);
	buf_reset(text);
	/* an empty map is one, too */
	(void)buf_reserve(text, 1);
	r = path_read(fd, MAP_FILE_MAX, text, why);
	(void)close(fd);
	return r;
}

static void
draft_remove(struct draft *d)
{
	if (d->dir[0] != '\0')
		remove_folder(d->dir);
	d->dir[0] = '\0';
	if (d->lock >= 0)
		(void)close(d->lock);
	d->lock = -1;
}

/* ---- signals ------------------------------------------------------------------------ */

/* While there is a copy, nothing ends us before it is removed: these wait
 * until we look, and at a question they end the question only. */
static const int held[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
#define N_HELD (sizeof(held) / sizeof(held[0]))

struct signals {
	sigset_t before;
	struct sigaction action[N_HELD];
	bool held;
};

static void
outlive(int sig)
{
	(void)sig;
}

static void
signals_hold(struct signals *s, sigset_t *set)
{
	const struct sigaction act = { .sa_handler = outlive };

	/* ignored, it would never be seen */
	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGCHLD);
	for (size_t i = 0; i < N_HELD; i++) {
		(void)sigaddset(set, held[i]);
		(void)sigaction(held[i], &act, &s->action[i]);
	}
	(void)sigprocmask(SIG_BLOCK, set, &s->before);
	s->held = true;
}

/* Those that came meanwhile end us here. */
static void
signals_release(struct signals *s)
{
	if (!s->held)
		return;
	for (size_t i = 0; i < N_HELD; i++)
		(void)sigaction(held[i], &s->action[i], NULL);
	(void)sigprocmask(SIG_SETMASK, &s->before, NULL);
	s->held = false;
}

/* ---- the editor --------------------------------------------------------------------- */

/* Words between blanks, and behind them the file; no shell reads them. */
static size_t
split(char *words, char *argv[WORDS_MAX + 2], char *file)
{
	size_t n = 0;
	char *save = NULL;

	for (char *w = strtok_r(words, " \t", &save);
	    w != NULL && n < WORDS_MAX; w = strtok_r(NULL, " \t", &save))
		argv[n++] = w;
	argv[n] = file;
	argv[n + 1] = NULL;
	return n;
}

static const char *
choice(void)
{
	const char *s = getenv("VISUAL");

	if (s == NULL || s[0] == '\0')
		s = getenv("EDITOR");
	return s != NULL && s[0] != '\0' ? s : NULL;
}

/* In the child: the admin's choice, and no other if that is not there. */
static void
become_editor(char *file)
{
	static const char *const usual[] = { "editor", "vi", "nano" };
	const char *chosen = choice();
	char words[1024], *argv[WORDS_MAX + 2];

	if (chosen != NULL) {
		(void)snprintf(words, sizeof(words), "%s", chosen);
		if (split(words, argv, file) > 0)
			(void)execvp(argv[0], argv);
		(void)say_error(0, "$VISUAL or $EDITOR, '%s': %s", chosen,
		    strerror(errno));
		_exit(127);
	}
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		(void)snprintf(words, sizeof(words), "%s", usual[i]);
		(void)split(words, argv, file);
		(void)execvp(argv[0], argv);
	}
	(void)say_error(0, "no editor: expected $VISUAL or $EDITOR to name "
	    "one, or one of editor, vi and nano");
	_exit(127);
}

/* What the terminal sends is the editor's; what is to end us ends the editor
 * first. */
static int
wait_for(pid_t pid, const sigset_t *set, struct why *why)
{
	int status = 0, sig, last = 0;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if ((sig = sigwaitinfo(set, NULL)) != SIGHUP &&
		    sig != SIGTERM)
			continue;
		last = sig;
		(void)kill(pid, sig);
	}
	if (last != 0)
		return why_set(why, ERR_EOF, "interrupted");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return why_set(why, ERR_STATE, "the editor ended with %s %d",
	    WIFEXITED(status) ? "exit status" : "signal", WIFEXITED(status) ?
	    WEXITSTATUS(status) : WTERMSIG(status));
}

/* With the caller's rights, descriptors and terminal, and nothing more: ours
 * are closed by exec, but for the lock of the folder, which is there as long as
 * somebody edits in it. */
static int
run_editor(struct draft *d, const struct signals *s, const sigset_t *set,
    struct why *why)
{
	pid_t pid;

	(void)fflush(stdout);
	if ((pid = fork()) < 0)
		return why_errno(why, "fork");
	if (pid == 0) {
		(void)sigprocmask(SIG_SETMASK, &s->before, NULL);
		(void)fcntl(d->lock, F_SETFD, 0);
		become_editor(d->file);
	}
	return wait_for(pid, set, why);
}

/* ---- again and again ----------------------------------------------------------------- */

/* EXIT_DONE: edit again. */
static int
ask_again(void)
{
	char answer[16];
	struct why why;

	for (;;) {
		if (prompt_line("What now? (e)dit again, e(x)it without "
		    "change: ", answer, sizeof(answer), &why) != 0)
			return say_error(EXIT_PROBLEM, "%s", why.text);
		if (strcmp(answer, "e") == 0)
			return EXIT_DONE;
		if (strcmp(answer, "x") == 0)
			return EXIT_PROBLEM;
	}
}

static bool
same_text(const struct buf *a, const struct buf *b)
{
	return a->len == b->len &&
	    (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* Until the text is valid, or as it was. */
static int
edit(struct change *ch, struct draft *d, const struct signals *s,
    const sigset_t *set, struct buf *text)
{
	struct why why;
	int rc;

	for (;;) {
		if (run_editor(d, s, set, &why) != 0 ||
		    draft_read(d, text, &why) != 0)
			return say_error(EXIT_COULD_NOT, "%s; the map was "
			    "not changed", why.text);
		if (same_text(&ch->c->text, text))
			return EXIT_DONE;
		if ((rc = change_check(ch, text)) != EXIT_PROBLEM)
			return rc;
		if ((rc = ask_again()) != EXIT_DONE)
			return rc;
	}
}

/* The copy is gone when this returns. */
static int
edit_copy(struct change *ch, struct buf *text)
{
	struct draft d = { .lock = -1, .dir = "" };
	struct signals s = { .held = false };
	struct why why;
	sigset_t set;
	int rc;

	signals_hold(&s, &set);
	if (draft_make(&d, ch->c->o->map, &ch->c->text, &why) != 0)
		rc = say_error(EXIT_COULD_NOT, "%s", why.text);
	else
		rc = edit(ch, &d, &s, &set, text);
	draft_remove(&d);
	signals_release(&s);
	return rc;
}

static int
edit_map(struct change *ch)
{
	struct buf text;
	int rc;

	buf_init(&text, MAP_FILE_MAX + 1);
	if ((rc = edit_copy(ch, &text)) == EXIT_DONE &&
	    same_text(&ch->c->text, &text))
		(void)printf("%s is unchanged\n", ch->c->o->map);
	else if (rc == EXIT_DONE &&
	    (rc = change_commit(ch, &text, false)) == EXIT_DONE &&
	    !ch->c->o->dry_run)
		(void)printf("%s was changed; a running certlogind takes it "
		    "by itself\n", ch->c->o->map);
	buf_free(&text);
	return rc;
}

int
edit_run(const struct options *o)
{
	struct change ch = { .file = REWRITE_NONE };
	struct context c;
	int rc;

	/* an editor runs whatever it is told to */
	if (getauxval(AT_SECURE) != 0)
		return say_error(EXIT_COULD_NOT, "edit: this program has "
		    "rights that its caller has not; an editor is not given "
		    "them");
	if ((rc = context_open(&c, o)) == EXIT_DONE &&
	    (rc = change_begin(&ch, &c, true)) == EXIT_DONE)
		rc = edit_map(&ch);
	change_end(&ch);
	context_close(&c);
	return rc;
}
