/*
 * A caller of PAM as strange as those that there are:
 *
 *	pamcaller [OPTION]… SERVICE ACTION…  <answers
 *
 * -u NAME	the account (default: none, the module finds it)
 * -r HOST	PAM_RHOST	-R NAME	PAM_RUSER
 * -i		SIGCHLD ignored		-w	a thread waits for any child
 * -c		descriptors 0-2 closed (answers are read before)
 * -l		RLIMIT_CPU of one second
 * -t		with a second thread at work
 * -s		PAM_SILENT
 * -e NAME=VALUE	in the environment
 *
 * ACTIONs: auth acct cred open close passwd.  Prints, to descriptor 3 or
 * stdout, each question and text, each action's result, then PAM_USER, and
 * what is in PAM's environment.  Exit 0 if all actions succeeded.
 */
#include <pthread.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWERS_MAX 16

struct caller {
	FILE *out;
	char *answer[ANSWERS_MAX];
	size_t n, next;
	int flags;
};

static int
one(struct caller *c, const struct pam_message *m, struct pam_response *r)
{
	bool question = m->msg_style == PAM_PROMPT_ECHO_OFF ||
	    m->msg_style == PAM_PROMPT_ECHO_ON;

	(void)fprintf(c->out, "%s: %s\n", question ? "question" :
	    m->msg_style == PAM_ERROR_MSG ? "error" : "text", m->msg);
	if (!question)
		return PAM_SUCCESS;
	if (c->next == c->n)
		return PAM_CONV_ERR;
	r->resp = strdup(c->answer[c->next++]);
	return r->resp != NULL ? PAM_SUCCESS : PAM_BUF_ERR;
}

static int
converse(int n, const struct pam_message **msg, struct pam_response **resp,
    void *arg)
{
	struct pam_response *r = calloc((size_t)n, sizeof(*r));
	int e = r != NULL ? PAM_SUCCESS : PAM_BUF_ERR;

	for (int i = 0; e == PAM_SUCCESS && i < n; i++)
		e = one(arg, msg[i], &r[i]);
	if (e == PAM_SUCCESS)
		*resp = r;
	else
		free(r);
	return e;
}

static void
read_answers(struct caller *c)
{
	char line[1024];

	while (c->n < ANSWERS_MAX && fgets(line, sizeof(line), stdin) !=
	    NULL) {
		line[strcspn(line, "\n")] = '\0';
		c->answer[c->n++] = strdup(line);
	}
}

static void *
spin(void *arg)
{
	(void)arg;
	for (;;) {
		free(malloc(4096));
		(void)usleep(100);
	}
	return NULL;
}

static void *
reap(void *arg)
{
	(void)arg;
	for (;;)
		if (waitpid(-1, NULL, 0) < 0)
			(void)usleep(1000);
	return NULL;
}

static void
start(void *(*body)(void *))
{
	pthread_t t;

	if (pthread_create(&t, NULL, body, NULL) != 0)
		exit(3);
}

static int
act(struct caller *c, pam_handle_t *h, const char *name)
{
	static const struct {
		const char *name;
		int (*run)(pam_handle_t *, int);
	} actions[] = {
		{ "auth", pam_authenticate }, { "acct", pam_acct_mgmt },
		{ "cred", pam_setcred }, { "open", pam_open_session },
		{ "close", pam_close_session }, { "passwd", pam_chauthtok },
	};

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(name, actions[i].name) == 0) {
			int r = actions[i].run(h, c->flags);

			(void)fprintf(c->out, "%s: %d %s\n", name, r,
			    pam_strerror(h, r));
			return r;
		}
	exit(2);
}

static void
report(struct caller *c, pam_handle_t *h)
{
	char **env = pam_getenvlist(h);
	const void *user = NULL;

	(void)pam_get_item(h, PAM_USER, &user);
	(void)fprintf(c->out, "user: %s\n", user != NULL ?
	    (const char *)user : "");
	for (char **e = env; e != NULL && *e != NULL; e++) {
		(void)fprintf(c->out, "env: %s\n", *e);
		free(*e);
	}
	free(env);
}

int
main(int argc, char **argv)
{
	static const struct rlimit second = { 1, 1 };
	struct caller c = { .out = fdopen(3, "w") };
	struct pam_conv conv = { converse, &c };
	const char *user = NULL, *rhost = NULL, *ruser = NULL;
	bool closed = false;
	pam_handle_t *h;
	int o, r = PAM_SUCCESS;

	if (c.out == NULL)
		c.out = stdout;
	setvbuf(c.out, NULL, _IOLBF, 0);
	read_answers(&c);
	while ((o = getopt(argc, argv, "u:r:R:iwclte:s")) != -1)
		switch (o) {
		case 'u': user = optarg; break;
		case 'r': rhost = optarg; break;
		case 'R': ruser = optarg; break;
		case 'i': (void)signal(SIGCHLD, SIG_IGN); break;
		case 'w': start(reap); break;
		case 'c': closed = true; break;
		case 'l': (void)setrlimit(RLIMIT_CPU, &second); break;
		case 't': start(spin); break;
		case 'e': (void)putenv(optarg); break;
		case 's': c.flags = (int)PAM_SILENT; break;
		default: return 2;
		}
	if (optind >= argc || pam_start(argv[optind], user, &conv, &h) !=
	    PAM_SUCCESS)
		return 2;
	if (rhost != NULL)
		(void)pam_set_item(h, PAM_RHOST, rhost);
	if (ruser != NULL)
		(void)pam_set_item(h, PAM_RUSER, ruser);
	if (closed)
		for (int fd = 0; fd < 3; fd++)
			(void)close(fd);
	for (int i = optind + 1; i < argc && r == PAM_SUCCESS; i++)
		r = act(&c, h, argv[i]);
	report(&c, h);
	(void)pam_end(h, r);
	for (size_t i = 0; i < c.n; i++)
		free(c.answer[i]);
	return r == PAM_SUCCESS ? 0 : 1;
}
