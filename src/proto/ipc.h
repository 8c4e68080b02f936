/*
 * The messages between our own processes, as they travel on channels
 * (chan.h).  Each has its layout here, its encoder and decoder side by side
 * in ipc.c.  Decoders check every limit and that nothing is left over;
 * strings come out NUL-terminated, views (struct span) point into the
 * receive buffer.
 *
 * Numbers are grouped by channel; a type is only ever valid on its channel
 * and in its direction, and each process checks that before it decodes.
 */
#ifndef PROTO_IPC_H
#define PROTO_IPC_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/path.h"

#define IPC_TRANSCRIPT_MAX 32768
#define IPC_RANDOM_LEN 32
#define IPC_SIGNATURE_MAX 1024
#define IPC_CHAIN_MAX 4			/* certificates on the wire */
#define IPC_CERT_MAX 16384		/* bytes of one certificate */
#define IPC_ACCOUNT_MAX 256		/* with NUL: LOGIN's names */
#define IPC_TEXT_MAX 1024		/* with NUL: reasons */
#define IPC_IDENTITY_MAX 640		/* with NUL: AUTHORITY field=value */
#define IPC_COMMAND_MAX 4096		/* with NUL: forced command */
#define IPC_START_MAX 49152		/* opaque bytes for certlogin-start */
#define IPC_TTY_MAX 32			/* with NUL: name of a terminal */

enum ipc_type {
	/* session -> net */
	IPC_NET_JOIN = 1,	/* fd 0: the TCP socket; begin the handshake */
	IPC_NET_SIGNED = 2,
	IPC_NET_REFUSE = 3,
	IPC_NET_SUCCESS = 4,
	IPC_NET_STARTED = 5,	/* fds: pty master, or stdin, stdout, stderr */
	IPC_NET_NOT_STARTED = 6,
	IPC_NET_EXITED = 7,
	IPC_NET_END = 8,
	/* net -> session */
	IPC_NET_SIGN = 16,
	IPC_NET_LOGIN = 17,
	IPC_NET_FAILED = 18,
	IPC_NET_START = 19,
	IPC_NET_WINCH = 20,
	IPC_NET_SIGNAL = 21,
	IPC_NET_CLOSED = 22,
	/* session -> judge and back */
	IPC_JUDGE_LOGIN = 32,
	IPC_JUDGE_VERDICT = 33,
	/* certlogin-map -> judge and back */
	IPC_JUDGE_TEST = 36,	/* fd 0: file of certificates (PEM or DER) */
	IPC_JUDGE_TESTED = 37,
	/* certlogind -> judge (job `review`) and back */
	IPC_JUDGE_REVIEW = 38,	/* fd 0: sealed memfd with struct ipc_proof */
	IPC_JUDGE_REVIEWED = 39,
	/* whoever loads (certlogind, certlogin-map) -> judge and back */
	IPC_LOAD_BEGIN = 40,	/* fd 0: trust.conf, 1: map, 2: locks; 3: the
				 * policy in force, if there is one */
	IPC_LOAD_WANT = 41,
	IPC_LOAD_FILES = 42,	/* one fd for each file that could be opened */
	IPC_LOAD_DONE = 43,	/* fd 0: sealed memfd with the policy, if ok */
	IPC_LOAD_SOURCES = 44,	/* root's side of a load, to certlogind */
	/* certlogind -> its loading child */
	IPC_LOAD_KEEP = 45,	/* in force: keep it (proto/kept.h); no body */
	/* session -> hostkey (own channel for each connection) and back */
	IPC_KEY_SIGN = 48,
	IPC_KEY_SIGNED = 49,
	/* certlogind -> hostkey and back */
	IPC_KEY_CHANNEL = 52,	/* fd 0: a new connection's channel */
	IPC_KEY_READY = 53,
	IPC_KEY_FAILED = 54,
	/* certloginctl -> judge (job `crl`) and back: crlmsg.h */
	IPC_CRL_LIST = 56,	/* fd 0: trust.conf */
	IPC_CRL_LISTED = 57,
	IPC_CRL_JUDGE = 58,	/* fd 0: trust.conf; fd 1: what was fetched */
	IPC_CRL_JUDGED = 59,
	/* certloginctl -> certlogin-fetch and back: crlmsg.h */
	IPC_FETCH_GET = 60,
	IPC_FETCH_DONE = 61,
	/* certlogind -> session */
	IPC_SES_JOIN = 64,	/* fd 0: TCP socket, fd 1: hostkey channel */
	IPC_SES_JUDGE = 65,	/* fd 0: judge channel */
	IPC_SES_REGISTERED = 66,	/* also to each SES_ASK */
	IPC_SES_END = 67,
	IPC_SES_STALE = 68,	/* judged under an older policy: judge again */
	/* session -> certlogind */
	IPC_SES_NEED_JUDGE = 80,
	IPC_SES_REFUSED = 81,
	IPC_SES_REGISTER = 82,	/* fd 0: sealed memfd with struct ipc_proof */
	IPC_SES_LOG = 83,	/* a line for the log (ipc_text_*) */
	IPC_SES_TTY = 84,
	IPC_SES_ASK = 85,	/* are you there, and am I registered? no body */
	/* PAM module -> judge (job `pam`), answered by FACTS, JUDGE_VERDICT */
	IPC_PAM_OFFER = 88,
	IPC_PAM_PROVE = 89,
	/* judge -> PAM module */
	IPC_PAM_FACTS = 90,
	/* certlogin-spawn -> PAM module, ahead of the judge's answers */
	IPC_PAM_LOADED = 91,
};

/* ---- the host's certificate, as given to net, session and judge at exec
 * in a sealed memfd and by hostkey in KEY_READY:
 * uint16 TLS signature scheme; uint32 n; n strings of DER, leaf first */
struct ipc_host {
	uint16_t scheme;		/* 0x0403 0x0503 0x0807 0x0804 */
	size_t n;			/* 1..IPC_CHAIN_MAX */
	struct span der[IPC_CHAIN_MAX];
};
void ipc_host_put(struct buf *b, const struct ipc_host *h);
void ipc_host_get(struct rd *r, struct ipc_host *h);

/* ---- net <-> session --------------------------------------------------- */

/* NET_JOIN: string random (32) */
int ipc_net_join_encode(struct buf *b, const uint8_t random[IPC_RANDOM_LEN]);
int ipc_net_join_decode(struct rd r, uint8_t random[IPC_RANDOM_LEN]);

/* NET_SIGN: string transcript = handshake messages with their 4-byte headers
 * from ClientHello through the server's Certificate (once).
 * NET_SIGNED: string signature of the server's CertificateVerify. */
int ipc_net_sign_encode(struct buf *b, struct span transcript);
int ipc_net_sign_decode(struct rd r, struct span *transcript);
int ipc_net_signed_encode(struct buf *b, struct span signature);
int ipc_net_signed_decode(struct rd r, struct span *signature);

/* NET_LOGIN: string transcript, from ClientHello through the client's
 * CertificateVerify; string account (may be empty); string preferred.
 * Sent once, only after the handshake completed and LOGIN arrived. */
struct ipc_login {
	struct span transcript;
	char account[IPC_ACCOUNT_MAX];
	char preferred[IPC_ACCOUNT_MAX];
};
int ipc_net_login_encode(struct buf *b, const struct ipc_login *l);
int ipc_net_login_decode(struct rd r, struct ipc_login *l);

/* NET_FAILED: byte what; int32 GnuTLS error; byte alert received.  Before
 * LOGIN could be submitted, or when the client broke the protocol behind it. */
enum ipc_failed {
	IPC_FAILED_EOF = 1,		/* closed before or in the handshake */
	IPC_FAILED_TLS = 2,		/* handshake refused: see gnutls */
	IPC_FAILED_NO_CERT = 3,		/* no client certificate */
	IPC_FAILED_NO_ALPN = 4,
	IPC_FAILED_ALERT = 5,		/* the client sent an alert */
	IPC_FAILED_FRAME = 6,		/* oversized or malformed frame */
	IPC_FAILED_ORDER = 7,		/* a message out of turn */
	IPC_FAILED_SIZE = 8,		/* transcript or message too big */
	IPC_FAILED_USAGE = 9,		/* the client's certificate may not
					 * sign, by its keyUsage */
};
struct ipc_net_failed {
	uint8_t what;
	int32_t gnutls;
	uint8_t alert;
};
int ipc_net_failed_encode(struct buf *b, const struct ipc_net_failed *f);
int ipc_net_failed_decode(struct rd r, struct ipc_net_failed *f);

/* NET_REFUSE: byte alert (TLS alert to send, 0 = send LOGIN_FAILURE);
 * uint64 reference number; string reason for the person */
struct ipc_refuse {
	uint8_t alert;
	uint64_t reference;
	char reason[IPC_TEXT_MAX];
};
int ipc_net_refuse_encode(struct buf *b, const struct ipc_refuse *f);
int ipc_net_refuse_decode(struct rd r, struct ipc_refuse *f);

/* NET_SUCCESS: string account; string identity; string banner (PAM's text
 * for the person, may be empty) */
struct ipc_success {
	char account[IPC_ACCOUNT_MAX];
	char identity[IPC_IDENTITY_MAX];
	char banner[IPC_TEXT_MAX * 4];
};
int ipc_net_success_encode(struct buf *b, const struct ipc_success *s);
int ipc_net_success_decode(struct rd r, struct ipc_success *s);

/* NET_START: uint32 channel; byte kind; bool pty; uint32 columns, rows,
 * width, height (pixels); string opaque.  opaque is for certlogin-start
 * alone: the bodies of the channel requests as the client sent them, each
 * as string name + string body, the shell, exec or subsystem request last. */
enum ipc_start_kind { IPC_START_SHELL = 1, IPC_START_EXEC = 2,
    IPC_START_SUBSYSTEM = 3 };
struct ipc_window {
	uint32_t columns, rows, width, height;	/* each at most 65535 */
};
struct ipc_start {
	uint32_t channel;
	uint8_t kind;
	bool pty;
	struct ipc_window window;
	struct span opaque;			/* IPC_START_MAX */
};
int ipc_net_start_encode(struct buf *b, const struct ipc_start *s);
int ipc_net_start_decode(struct rd r, struct ipc_start *s);

/* NET_STARTED: uint32 channel; with 1 descriptor (pty master) or 3.
 * NET_NOT_STARTED: uint32 channel; string reason
 * NET_CLOSED: uint32 channel (the client closed it: hang up). */
int ipc_net_started_encode(struct buf *b, uint32_t channel);
int ipc_net_started_decode(struct rd r, uint32_t *channel);
int ipc_net_not_started_encode(struct buf *b, uint32_t channel,
    const char *reason);
int ipc_net_not_started_decode(struct rd r, uint32_t *channel,
    char reason[IPC_TEXT_MAX]);
int ipc_net_closed_encode(struct buf *b, uint32_t channel);
int ipc_net_closed_decode(struct rd r, uint32_t *channel);

/* NET_WINCH: uint32 channel; uint32 columns, rows, width, height */
int ipc_net_winch_encode(struct buf *b, uint32_t channel,
    const struct ipc_window *w);
int ipc_net_winch_decode(struct rd r, uint32_t *channel,
    struct ipc_window *w);

/* NET_SIGNAL: uint32 channel; byte index into ipc_signals
 * NET_EXITED: uint32 channel; bool by_signal; uint32 status (exit status
 * 0..255, or the index of the signal); bool core */
struct ipc_signal {
	const char *name;		/* RFC 4254 6.10, without SIG */
	int number;
};
extern const struct ipc_signal ipc_signals[];	/* ended by name == NULL */
/* Index of a signal by number or by name, or -1. */
int ipc_signal_by_number(int number);
int ipc_signal_by_name(const char *name);
int ipc_net_signal_encode(struct buf *b, uint32_t channel, uint8_t index);
int ipc_net_signal_decode(struct rd r, uint32_t *channel, uint8_t *index);

struct ipc_exited {
	uint32_t channel;
	bool by_signal;
	uint32_t status;
	bool core;
};
int ipc_net_exited_encode(struct buf *b, const struct ipc_exited *e);
int ipc_net_exited_decode(struct rd r, struct ipc_exited *e);

/* NET_END: string text shown to the person; the connection then closes.
 * SES_END: the same from certlogind to the session. */
int ipc_text_encode(struct buf *b, uint8_t type, const char *text);
int ipc_text_decode(struct rd r, char text[IPC_TEXT_MAX]);

/* A message without a body (SES_NEED_JUDGE, SES_JUDGE, SES_REGISTERED,
 * SES_STALE): */
int ipc_empty_encode(struct buf *b, uint8_t type);
int ipc_empty_decode(struct rd r);

/* ---- session <-> judge -------------------------------------------------- */

/* JUDGE_LOGIN: string random (32); string transcript; string account; string
 * preferred; string address (4 or 16 bytes, network order) */
struct ipc_judge_login {
	struct span random, transcript;
	char account[IPC_ACCOUNT_MAX];
	char preferred[IPC_ACCOUNT_MAX];
	struct span address;
};
int ipc_judge_login_encode(struct buf *b, const struct ipc_judge_login *l);
int ipc_judge_login_decode(struct rd r, struct ipc_judge_login *l);

/* JUDGE_VERDICT: see the structure; all members in order; bool and enum as
 * byte.  Texts are printable ASCII. */
enum ipc_outcome { IPC_OUTCOME_REFUSED = 0, IPC_OUTCOME_ADMIT = 0x5a };
enum ipc_restrict {
	IPC_NO_PTY = 1,
	IPC_NO_FORWARDING = 2,
	IPC_FORCED_COMMAND = 4,
	IPC_RESTRICT_ALL = 7,
};
struct ipc_verdict {
	uint8_t outcome;		/* enum ipc_outcome, no other value */
	uint8_t alert;			/* refused: TLS alert for the client
					 * once its signature held, or 0 =
					 * trusted, but no mapping */
	bool captured;			/* account came from a capture */
	uint32_t rule_line;		/* 1-based line of the map, 0 = none */
	uint32_t restrictions;		/* enum ipc_restrict bits */
	int64_t expires;		/* when to judge it again: earliest of
					 * notAfter, until= and, with on-stale
					 * = end, the CRL's nextUpdate */
	uint64_t policy;		/* number of the policy judged under */
	char account[IPC_ACCOUNT_MAX];
	char authority[80];
	char identity[IPC_IDENTITY_MAX];	/* AUTHORITY field=value */
	char issuer[IPC_TEXT_MAX];
	char serial[64];			/* hex */
	char command[IPC_COMMAND_MAX];		/* forced command or "" */
	char reason[IPC_TEXT_MAX];	/* for the person; "" when admitted */
	char detail[IPC_TEXT_MAX];	/* for log and why: check, section */
};
int ipc_verdict_encode(struct buf *b, const struct ipc_verdict *v);
int ipc_verdict_decode(struct rd r, struct ipc_verdict *v);

/* ---- certlogin-map <-> judge (job `test`) -------------------------------- */

/* JUDGE_TEST: string names of checks to skip, separated by commas; bool
 * verify_only; bool server; string host ("" = any); int64 time; string
 * account; string service; string address (4, 16 or no bytes) */
struct ipc_test {
	char skip[IPC_TEXT_MAX];
	bool verify_only;		/* trust checks alone, no map */
	bool server;			/* the leaf is to be a server */
	char host[256];
	int64_t now;
	char account[IPC_ACCOUNT_MAX];
	char service[IPC_ACCOUNT_MAX];	/* PAM service */
	struct span address;
};
int ipc_test_encode(struct buf *b, const struct ipc_test *t);
int ipc_test_decode(struct rd r, struct ipc_test *t);

/* JUDGE_TESTED: members in order.  With a problem nothing else counts.  In a
 * text, a byte that is neither printable ASCII nor a tab is decoded as '?'. */
#define IPC_CHECKS_MAX 32
#define IPC_NAMES_MAX 32
#define IPC_POINTS_MAX 8
#define IPC_HASH_MAX 80			/* "sha256:" and hex */
enum ipc_check_result { IPC_CHECK_NOT_RUN, IPC_CHECK_PASSED,
    IPC_CHECK_SKIPPED, IPC_CHECK_FAILED };
struct ipc_check {
	char name[32];
	char section[64];
	uint8_t result;			/* enum ipc_check_result */
	char text[256];
};
struct ipc_tested {
	char problem[IPC_TEXT_MAX];	/* "" = the checks were run */
	bool accepted;			/* by the trust checks */
	uint8_t failed;			/* index of the first that failed */
	size_t n;
	struct ipc_check check[IPC_CHECKS_MAX];
	char reason[IPC_TEXT_MAX];	/* for the person */
	char detail[IPC_TEXT_MAX];	/* for the admin */
	char authority[80];		/* "" = none */
	char subject[IPC_TEXT_MAX];	/* of the leaf, once a CA vouched for
					 * it; else all "" and 0 */
	char issuer[IPC_TEXT_MAX];
	char serial[64];
	char spki[IPC_HASH_MAX], cert[IPC_HASH_MAX];	/* sha256:HEX */
	int64_t not_before, not_after;
	size_t n_names;
	char name[IPC_NAMES_MAX][IPC_IDENTITY_MAX];	/* "uri=..." */
	size_t n_points;
	char point[IPC_POINTS_MAX][512];	/* URIs of its CRL */
	char points_problem[256];	/* what is wrong with them, or "" */
	int64_t expires;		/* earliest notAfter of the path */
	bool decided;			/* the map was asked: below counts */
	bool allowed;
	char why[32];			/* decide_reason_name() */
	char text[IPC_TEXT_MAX];	/* refused: for the admin */
	char advice[IPC_TEXT_MAX];	/* refused: for the person */
	uint32_t rule_line;
	char account[IPC_ACCOUNT_MAX];
	bool captured;
	char identity[IPC_IDENTITY_MAX];
	uint32_t restrictions;		/* enum ipc_restrict bits */
	char command[IPC_COMMAND_MAX];
	int64_t until;			/* 0 = none */
};
int ipc_tested_encode(struct buf *b, const struct ipc_tested *t);
int ipc_tested_decode(struct rd r, struct ipc_tested *t);

/* ---- certlogind <-> judge (job `review`) ---------------------------------- */

/* JUDGE_REVIEW: uint64 number of the session, of the asker's
 * JUDGE_REVIEWED: members in order; texts as in a verdict */
enum ipc_review_outcome {
	IPC_REVIEW_NONE = 0,		/* could not be judged, see detail */
	IPC_REVIEW_KEEP = 0x3c,
	IPC_REVIEW_END = 0xc3,
};
enum ipc_review_why {
	IPC_REVIEW_STANDS = 0,		/* not END */
	IPC_REVIEW_REVOKED = 1,
	IPC_REVIEW_LOCKED = 2,
	IPC_REVIEW_DENIED = 3,
	IPC_REVIEW_NO_RULE = 4,
	IPC_REVIEW_EXPIRED = 5,
	IPC_REVIEW_UNTRUSTED = 6,	/* no authority vouches for it now */
	IPC_REVIEW_RESTRICTED = 7,	/* the rule allows less now */
	IPC_REVIEW_STALE = 8,		/* no fresh CRL, and on-stale = end */
	IPC_REVIEW_WHYS
};
struct ipc_reviewed {
	uint64_t session;		/* the number asked about */
	uint8_t outcome;		/* enum ipc_review_outcome */
	uint8_t why;			/* enum ipc_review_why */
	uint32_t rule_line;
	int64_t expires;		/* when to look again, 0 = never */
	char reason[IPC_TEXT_MAX];	/* for the person, when it is END */
	char detail[IPC_TEXT_MAX];	/* for the log, unless it is KEEP */
};
int ipc_review_encode(struct buf *b, uint64_t session);
int ipc_review_decode(struct rd r, uint64_t *session);
int ipc_reviewed_encode(struct buf *b, const struct ipc_reviewed *v);
/* An END without one of the reasons, or a KEEP with one, is malformed. */
int ipc_reviewed_decode(struct rd r, struct ipc_reviewed *v);
/* "revoked", ... */
const char *ipc_review_why_name(uint8_t why);

/* ---- load -------------------------------------------------------------- */

/* LOAD_BEGIN: uint64 policy number; strings trust, map, locks: their names, for
 * messages; uint32 n; n times { string issuer key SHA-256 (32); string CRL
 * number (at most 20 bytes, big endian); int64 thisUpdate; int64 newest }: the
 * highest CRL seen for each issuer key
 * LOAD_WANT: uint32 n; n times { string path relative to trust.conf's folder;
 * bool crl }
 * LOAD_FILES: uint32 n; n times { bool opened; string error }
 * LOAD_DONE: bool ok; uint32 rules, locks; int64 again; uint32 n; n times {
 * uint32 line; int64 until }; uint32 n authorities (struct ipc_authority,
 * members in order); uint32 n seen; findings (diag.c) */
#define IPC_LOAD_FILES_MAX 48
#define IPC_LOAD_FILE_MAX 45000000	/* bytes of one: the largest CRL as
					 * PEM */
#define IPC_LOAD_AUTHORITIES_MAX 32
#define IPC_LOAD_SEEN_MAX 256
#define IPC_LOAD_ENDING_MAX 16
#define IPC_KEYS_MAX 16		/* anchors of one authority */
struct ipc_seen {
	uint8_t issuer_key[32];
	uint8_t number[20];
	uint8_t number_len;
	int64_t this_update;
	int64_t newest;			/* latest thisUpdate that was verified
					 * for this key, of any number */
};
/* uint32 n; n of them, as in LOAD_BEGIN */
void ipc_seen_put(struct buf *b, const struct ipc_seen *s, size_t n);
void ipc_seen_get(struct rd *r, struct ipc_seen s[IPC_LOAD_SEEN_MAX],
    size_t *n);
struct ipc_load_begin {
	uint64_t policy;
	char trust[256], map[256], locks[256];
	size_t n_seen;
	struct ipc_seen seen[IPC_LOAD_SEEN_MAX];
};
int ipc_load_begin_encode(struct buf *b, const struct ipc_load_begin *l);
int ipc_load_begin_decode(struct rd r, struct ipc_load_begin *l);

struct ipc_load_want {
	size_t n;
	char path[IPC_LOAD_FILES_MAX][256];
	bool crl[IPC_LOAD_FILES_MAX];	/* it holds nothing but CRLs, so half
					 * of it is as good as none */
};
int ipc_load_want_encode(struct buf *b, const struct ipc_load_want *w);
int ipc_load_want_decode(struct rd r, struct ipc_load_want *w);

struct ipc_load_files {
	size_t n;
	struct {
		bool opened;
		char error[256];
	} file[IPC_LOAD_FILES_MAX];
};
int ipc_load_files_encode(struct buf *b, const struct ipc_load_files *f);
int ipc_load_files_decode(struct rd r, struct ipc_load_files *f);

/* What an authority looks like to status and to the expiry warnings. */
struct ipc_authority {
	char name[80];
	uint8_t class;			/* enum facts_class */
	uint32_t anchors;
	int64_t anchors_expire;		/* earliest notAfter */
	bool has_crl;
	struct ipc_seen crl;		/* newest CRL of the first anchor */
	int64_t next_update;		/* earliest; 0 = no CRL */
	uint32_t revoked;
	char crl_problem[256];		/* "" = usable, as the files have it */
	bool crl_missing;		/* there is none of some anchor: its
					 * certificates are refused */
	bool crl_carried;		/* one of the policy before counts on */
	size_t n_keys;			/* of its anchors, as issuer keys */
	uint8_t key[IPC_KEYS_MAX][32];
};
/* A rule of the map with until=. */
struct ipc_ending {
	uint32_t line;
	int64_t until;			/* first second that is too late */
};
struct ipc_load_done {
	bool ok;
	uint32_t rules, locks;		/* of the map, of the locks */
	int64_t again;			/* seconds since 1970: from then on
					 * the same files may give something
					 * else; 0 = never */
	size_t n_ending;		/* the first to end, in order */
	struct ipc_ending ending[IPC_LOAD_ENDING_MAX];
	size_t n;
	struct ipc_authority authority[IPC_LOAD_AUTHORITIES_MAX];
	size_t n_seen;			/* verified now, to be kept by root */
	struct ipc_seen seen[IPC_LOAD_SEEN_MAX];
};
struct diag;
int ipc_load_done_encode(struct buf *b, const struct ipc_load_done *l,
    const struct diag *d);
/* d is initialised and empty before. */
int ipc_load_done_decode(struct rd r, struct ipc_load_done *l,
    struct diag *d);

/* LOAD_SOURCES: uint32 n; n times { string absolute path; byte enum
 * path_flags; bool crl; bool opened; uint64 device, inode, size; int64 seconds,
 * uint32 nanoseconds of mtime; the same of ctime }: what a load opened or tried
 * to, and what that was */
#define IPC_SOURCES_MAX 56
struct ipc_source {
	char path[512];
	uint8_t flags;			/* that path_open() was called with */
	bool crl;			/* as in LOAD_WANT */
	struct path_state state;
};
struct ipc_sources {
	size_t n;
	struct ipc_source source[IPC_SOURCES_MAX];
};
/* The body alone, for whoever keeps it elsewhere. */
void ipc_sources_put(struct buf *b, const struct ipc_sources *s);
void ipc_sources_get(struct rd *r, struct ipc_sources *s);
int ipc_load_sources_encode(struct buf *b, const struct ipc_sources *s);
int ipc_load_sources_decode(struct rd r, struct ipc_sources *s);
/* Note what path_open(path, flags) gave: fd, or a negative code; it is no CRL
 * yet.  A path that does not fit is ERR_TOOBIG, as is one too many. */
int ipc_sources_add(struct ipc_sources *s, const char *path, int flags,
    int fd);

/* ---- hostkey ------------------------------------------------------------ */

/* KEY_SIGN: string random (32); string transcript
 * KEY_SIGNED: string signature; string error (one of them empty) */
int ipc_key_sign_encode(struct buf *b, const uint8_t random[IPC_RANDOM_LEN],
    struct span transcript);
int ipc_key_sign_decode(struct rd r, struct span *random,
    struct span *transcript);
int ipc_key_signed_encode(struct buf *b, struct span signature,
    const char *error);
int ipc_key_signed_decode(struct rd r, struct span *signature,
    char error[IPC_TEXT_MAX]);

/* KEY_CHANNEL: string source (address bytes, IPv6 cut to /64); 1 descriptor
 * KEY_READY: host certificate as struct ipc_host; int64 notAfter
 * KEY_FAILED: string text (ipc_text_*) */
int ipc_key_channel_encode(struct buf *b, struct span source);
int ipc_key_channel_decode(struct rd r, struct span *source);
int ipc_key_ready_encode(struct buf *b, const struct ipc_host *h,
    int64_t not_after);
int ipc_key_ready_decode(struct rd r, struct ipc_host *h,
    int64_t *not_after);

/* ---- session <-> certlogind --------------------------------------------- */

/* SES_JOIN: uint64 reference; string address bytes (4 or 16); uint16 port;
 * fd 0 TCP socket, fd 1 hostkey channel */
struct ipc_ses_join {
	uint64_t reference;
	struct span address;
	uint16_t port;
};
int ipc_ses_join_encode(struct buf *b, const struct ipc_ses_join *j);
int ipc_ses_join_decode(struct rd r, struct ipc_ses_join *j);

/* SES_REFUSED: byte kind; string account asked for; string reason (as the
 * person was told); string detail (the full story, for log and why) */
enum ipc_refusal {
	IPC_REFUSAL_HANDSHAKE = 1,	/* no login came of it */
	IPC_REFUSAL_CERTIFICATE = 2,	/* by the trust checks; but for */
	IPC_REFUSAL_EXPIRED = 3,
	IPC_REFUSAL_REVOKED = 4,
	IPC_REFUSAL_MAP = 5,		/* no rule, denied, locked */
	IPC_REFUSAL_ACCOUNT = 6,	/* uid rule, PAM */
	IPC_REFUSAL_FAULT = 7,		/* of a helper of ours */
	IPC_REFUSAL_HOSTKEY = 8,	/* of certlogin-hostkey: replace it */
};
struct ipc_ses_refused {
	uint8_t kind;			/* enum ipc_refusal */
	char account[IPC_ACCOUNT_MAX];
	char reason[IPC_TEXT_MAX];
	char detail[IPC_TEXT_MAX];
};
int ipc_ses_refused_encode(struct buf *b, const struct ipc_ses_refused *f);
int ipc_ses_refused_decode(struct rd r, struct ipc_ses_refused *f);

/* What certlogind tells a session at exec, in a sealed memfd: string PAM
 * service; string PAM configuration folder ("" = libpam's); string folder of
 * running state; uint32 review-grace-time; uint32 UID_MIN, UID_MAX; uint64
 * soft limit of open files for the user; uint32 n; n strings: privileged
 * accounts */
#define IPC_PRIVILEGED_MAX 16
#define IPC_PATH_MAX 256
struct ipc_settings {
	char service[64];
	char confdir[IPC_PATH_MAX];
	char run_dir[IPC_PATH_MAX];
	uint32_t grace;			/* seconds without a certlogind that
					 * can have it judged */
	uint32_t uid_min, uid_max;
	uint64_t open_files;
	size_t n_privileged;
	char privileged[IPC_PRIVILEGED_MAX][IPC_ACCOUNT_MAX];
};
void ipc_settings_put(struct buf *b, const struct ipc_settings *s);
int ipc_settings_get(struct rd r, struct ipc_settings *s);

/* SES_REGISTER: uint64 reference; uint64 policy; int64 since; int64 expires;
 * uint32 pid; uint32 rule line; uint16 port; strings account, identity,
 * issuer, serial, address; string terminal ("" = none yet).
 * Opaque to certlogind but for reference, policy and expires: it keeps the
 * bytes for whoever asks. */
struct ipc_register {
	uint64_t reference;
	uint64_t policy;
	int64_t since;
	int64_t expires;		/* as in the verdict */
	uint32_t pid;			/* of the session */
	uint32_t rule_line;
	uint16_t port;			/* of the peer */
	char account[IPC_ACCOUNT_MAX];
	char identity[IPC_IDENTITY_MAX];
	char issuer[IPC_TEXT_MAX];
	char serial[64];
	char address[64];
	char tty[IPC_TTY_MAX];
};
int ipc_register_encode(struct buf *b, const struct ipc_register *g);
int ipc_register_decode(struct rd r, struct ipc_register *g);

/* SES_TTY: string terminal, as in utmp: "pts/3"; of a-z, A-Z, 0-9 and / */
int ipc_ses_tty_encode(struct buf *b, const char *tty);
int ipc_ses_tty_decode(struct rd r, char tty[IPC_TTY_MAX]);

/* ---- session -> the judge of a review, through certlogind ------------------- */

/*
 * What proves a login, kept for as long as the session lives in a sealed
 * memfd that the session made of what it had judged: no judge can put
 * anything else into its place.
 *
 * string random (32); string transcript; string account; bool literal;
 * string address (4 or 16 bytes); uint32 restrictions; string forced command
 */
struct ipc_proof {
	struct span random, transcript;	/* as in JUDGE_LOGIN */
	char account[IPC_ACCOUNT_MAX];	/* that was given */
	bool literal;			/* privileged: only a rule that names
					 * it may give it */
	struct span address;
	uint32_t restrictions;		/* in force, enum ipc_restrict bits */
	char command[IPC_COMMAND_MAX];	/* in force, "" = none */
};
#define IPC_PROOF_MAX (IPC_TRANSCRIPT_MAX + IPC_COMMAND_MAX + 1024)
void ipc_proof_put(struct buf *b, const struct ipc_proof *p);
int ipc_proof_get(struct rd r, struct ipc_proof *p);

/* ---- session -> certlogin-start, in a sealed memfd --------------------------- */

/* byte kind (enum ipc_start_kind); bool pty; strings name, home, shell;
 * string forced command ("" = none); strings identity, issuer, serial; string
 * from (address and port of the peer); uint32 n; n strings NAME=VALUE from
 * PAM; string opaque (see NET_START) */
#define IPC_ENV_MAX 128
struct ipc_begin {
	uint8_t kind;
	bool pty;
	char name[IPC_ACCOUNT_MAX];
	char home[IPC_COMMAND_MAX];
	char shell[IPC_COMMAND_MAX];
	char command[IPC_COMMAND_MAX];
	char identity[IPC_IDENTITY_MAX];
	char issuer[IPC_TEXT_MAX];
	char serial[64];
	char from[64];
	size_t n_env;
	struct span env[IPC_ENV_MAX];
	struct span opaque;
};
void ipc_begin_put(struct buf *b, const struct ipc_begin *g);
int ipc_begin_get(struct rd r, struct ipc_begin *g);

#endif
