/*
 * What `certloginctl fetch-crls` says to a judge with the job `crl`, which
 * reads trust.conf and CRLs, and to certlogin-fetch, which gets one file
 * (numbers in ipc.h).  One question, one answer, then either ends.
 *
 *   CRL_LIST (trust.conf) ->               <- CRL_LISTED
 *   CRL_JUDGE (trust.conf, fetched) ->     <- LOAD_WANT paths
 *   LOAD_FILES descriptors ->              <- CRL_JUDGED
 *   FETCH_GET ->       bytes on the pipe   <- FETCH_DONE
 */
#ifndef PROTO_CRLMSG_H
#define PROTO_CRLMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"
#include "proto/ipc.h"

#define CRLMSG_URL_MAX 512	/* with NUL */
#define CRLMSG_SECONDS_MAX 3600

/* ---- CRL_LIST: text name of trust.conf, for messages; fd 0 it.
 * CRL_LISTED: bool ok; uint32 n; n times { text authority; text file; text
 * URL }; findings (diag.h).  Texts are printable. */
struct crlmsg_item {
	char authority[80];
	char file[256];		/* relative to trust.conf's folder */
	char url[CRLMSG_URL_MAX];	/* or absolute path */
};
struct crlmsg_listed {
	bool ok;		/* else n is 0, and an error is found */
	size_t n;
	struct crlmsg_item item[IPC_LOAD_FILES_MAX];
};
int crlmsg_list_encode(struct buf *b, const char *trust);
int crlmsg_list_decode(struct rd r, char trust[IPC_PATH_MAX]);
int crlmsg_listed_encode(struct buf *b, const struct crlmsg_listed *l,
    const struct diag *d);
/* d is initialised and empty before. */
int crlmsg_listed_decode(struct rd r, struct crlmsg_listed *l,
    struct diag *d);

/* ---- CRL_JUDGE: text name of trust.conf; text authority; text file; bool
 * fetched; uint32 n; n seen (LOAD_BEGIN's).  fd 0 trust.conf; fd 1, if
 * fetched, what was. */
struct crlmsg_judge {
	char trust[IPC_PATH_MAX];
	char authority[80];
	char file[256];
	bool fetched;
	size_t n_seen;
	struct ipc_seen seen[IPC_LOAD_SEEN_MAX];
};
int crlmsg_judge_encode(struct buf *b, const struct crlmsg_judge *j);
int crlmsg_judge_decode(struct rd r, struct crlmsg_judge *j);

/* ---- CRL_JUDGED: members in order; enum as byte; texts are printable. */
enum crlmsg_outcome {
	CRLMSG_KEEP = 0,	/* what is in place stays */
	CRLMSG_SAME = 1,	/* it stays: what was fetched says the same */
	CRLMSG_REPLACE = 0x5a,	/* what was fetched is to take its place */
};
struct crlmsg_judged {
	uint8_t outcome;	/* enum crlmsg_outcome, no other value */
	char problem[256];	/* why what was fetched is refused, or "" */
	char in_place[256];	/* what is wrong with the file in place, or "" */
	bool usable;		/* there is a CRL, in place or to be put there;
				 * else what follows is 0 */
	int64_t this_update, next_update;	/* of the one that is past half
						 * of its life first */
	int64_t half;				/* when */
};
int crlmsg_judged_encode(struct buf *b, const struct crlmsg_judged *j);
int crlmsg_judged_decode(struct rd r, struct crlmsg_judged *j);

/* ---- FETCH_GET: text URL; uint32 seconds that it may take.
 * FETCH_DONE: bool ok; text problem, printable, "" if ok.  The bytes went
 * through the pipe that is HELPER_FD, which is closed before. */
int crlmsg_get_encode(struct buf *b, const char *url, uint32_t seconds);
int crlmsg_get_decode(struct rd r, char url[CRLMSG_URL_MAX],
    uint32_t *seconds);
int crlmsg_done_encode(struct buf *b, bool ok, const char *problem);
int crlmsg_done_decode(struct rd r, bool *ok, char problem[IPC_TEXT_MAX]);

#endif
