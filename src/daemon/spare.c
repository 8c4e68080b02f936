#include "daemon/spare.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/log.h"
#include "daemon/hostkey.h"

#define SPARES_MAX 64
#define REFILL_AFTER 0.05	/* seconds: behind a login, not during it */
#define REFILL_FAILED 1.0	/* a spare died young: no storm */

struct judge {
	pid_t pid;
	int channel;
};

struct spares {
	struct daemon *d;
	struct spare_pair pair[SPARES_MAX];
	struct judge judge[SPARES_MAX];
	size_t n_pairs, n_judges;
	ev_timer refill;
};

static int
make_channel(int pair[2], struct why *why)
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    pair) == 0 ? 0 : why_errno(why, "socketpair");
}

static void
close_pair(const int p[2])
{
	(void)close(p[0]);
	(void)close(p[1]);
}

static pid_t
spawn_net(struct daemon *d, int channel, struct why *why)
{
	static const char *const argv[] = { "certlogin-net", NULL };
	struct helper_spec s = { .exe = d->programs.net, .argv = argv,
	    .channel = channel, .fds = { d->setup->hostkey->host },
	    .n_fds = 1, .uid = d->setup->net.uid, .gid = d->setup->net.gid,
	    .chroot_dir = d->empty_dir };

	return helper_spawn(&s, why);
}

static pid_t
spawn_session(struct daemon *d, int channel, int net, pid_t net_pid,
    struct why *why)
{
	static const char *const argv[] = { "certlogin-session", NULL };
	struct helper_spec s = { .exe = d->programs.session, .argv = argv,
	    .channel = channel, .fds = { net, d->setup->settings,
	    d->programs.start }, .n_fds = 4, .keep_ids = true,
	    .chroot_dir = -1 };
	int r;

	/* it has not been waited for: the number is its own */
	if ((s.fds[3] = pidfd_open(net_pid, 0)) < 0)
		return why_errno(why, "pidfd_open");
	r = helper_spawn(&s, why);
	(void)close(s.fds[3]);
	return r;
}

static int
make_pair(struct spares *s, struct spare_pair *p, struct why *why)
{
	int up[2], across[2], r;

	if ((r = make_channel(up, why)) != 0)
		return r;
	if ((r = make_channel(across, why)) != 0) {
		close_pair(up);
		return r;
	}
	/* when the second cannot be made, closing the channel ends the first */
	if ((r = p->net = spawn_net(s->d, across[1], why)) > 0)
		r = p->session = spawn_session(s->d, up[1], across[0],
		    p->net, why);
	close_pair(across);
	(void)close(up[1]);
	if (r < 0) {
		(void)close(up[0]);
		return r;
	}
	(void)fcntl(up[0], F_SETFL, O_NONBLOCK);
	p->channel = up[0];
	return 0;
}

static int
make_judge(struct spares *s, const struct hostkey *host, struct judge *j,
    struct why *why)
{
	static const char *const argv[] = { "certlogin-judge", "login",
	    NULL };
	const struct setup *u = s->d->setup;
	struct helper_spec h = { .exe = s->d->programs.judge, .argv = argv,
	    .fds = { u->policy, host->host }, .n_fds = 2,
	    .uid = u->judge.uid, .gid = u->judge.gid,
	    .chroot_dir = s->d->empty_dir };
	int pair[2], r;

	if ((r = make_channel(pair, why)) != 0)
		return r;
	h.channel = pair[1];
	r = j->pid = helper_spawn(&h, why);
	(void)close(pair[1]);
	if (r < 0) {
		(void)close(pair[0]);
		return r;
	}
	j->channel = pair[0];
	return 0;
}

/* One helper a round, so that a waiting connection is not held up. */
static void
refill(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct spares *s = w->data;
	size_t want = s->d->setup->conf.spares;
	struct why why;
	int r = 0;

	(void)revents;
	if (s->n_pairs < want &&
	    (r = make_pair(s, &s->pair[s->n_pairs], &why)) == 0)
		s->n_pairs++;
	if (r == 0 && s->n_judges < want &&
	    (r = make_judge(s, s->d->setup->hostkey,
	    &s->judge[s->n_judges], &why)) == 0)
		s->n_judges++;
	if (r != 0)
		log_error("spare helper: %s", why.text);
	if (s->n_pairs < want || s->n_judges < want) {
		w->repeat = r == 0 ? 0.001 : REFILL_FAILED;
		ev_timer_again(loop, w);
	} else
		ev_timer_stop(loop, w);
}

static void
refill_after(struct spares *s, double seconds)
{
	if (s->d->stopping)
		return;
	s->refill.repeat = seconds;
	ev_timer_again(s->d->loop, &s->refill);
}

struct spares *
spare_new(struct daemon *d)
{
	struct spares *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->d = d;
	ev_timer_init(&s->refill, refill, 0., REFILL_AFTER);
	s->refill.data = s;
	return s;
}

static void
drop_judges(struct spares *s)
{
	for (size_t i = 0; i < s->n_judges; i++)
		(void)close(s->judge[i].channel);
	s->n_judges = 0;
}

static void
drop_all(struct spares *s)
{
	for (size_t i = 0; i < s->n_pairs; i++)
		(void)close(s->pair[i].channel);
	s->n_pairs = 0;
	drop_judges(s);
}

void
spare_renew(struct spares *s)
{
	drop_all(s);
	refill_after(s, 0.001);
}

void
spare_renew_judges(struct spares *s)
{
	drop_judges(s);
	refill_after(s, 0.001);
}

void
spare_free(struct spares *s)
{
	if (s == NULL)
		return;
	ev_timer_stop(s->d->loop, &s->refill);
	drop_all(s);
	free(s);
}

int
spare_take_pair(struct spares *s, struct spare_pair *p, struct why *why)
{
	refill_after(s, REFILL_AFTER);
	if (s->n_pairs == 0)
		return make_pair(s, p, why);
	/* the oldest: it has had the most time to warm up */
	*p = s->pair[0];
	s->n_pairs--;
	memmove(&s->pair[0], &s->pair[1], s->n_pairs * sizeof(s->pair[0]));
	return 0;
}

int
spare_take_judge(struct spares *s, const struct hostkey *host, pid_t *pid,
    struct why *why)
{
	struct judge j;
	int r;

	refill_after(s, REFILL_AFTER);
	/* the spares know the certificate in force only */
	if (s->n_judges == 0 || host != s->d->setup->hostkey) {
		if ((r = make_judge(s, host, &j, why)) != 0)
			return r;
		*pid = j.pid;
		return j.channel;
	}
	j = s->judge[0];
	s->n_judges--;
	memmove(&s->judge[0], &s->judge[1],
	    s->n_judges * sizeof(s->judge[0]));
	*pid = j.pid;
	return j.channel;
}

bool
spare_ended(struct spares *s, pid_t pid)
{
	for (size_t i = 0; i < s->n_pairs; i++)
		if (s->pair[i].net == pid || s->pair[i].session == pid) {
			(void)close(s->pair[i].channel);
			s->n_pairs--;
			memmove(&s->pair[i], &s->pair[i + 1],
			    (s->n_pairs - i) * sizeof(s->pair[0]));
			refill_after(s, REFILL_FAILED);
			return true;
		}
	for (size_t i = 0; i < s->n_judges; i++)
		if (s->judge[i].pid == pid) {
			(void)close(s->judge[i].channel);
			s->n_judges--;
			memmove(&s->judge[i], &s->judge[i + 1],
			    (s->n_judges - i) * sizeof(s->judge[0]));
			refill_after(s, REFILL_FAILED);
			return true;
		}
	return false;
}
