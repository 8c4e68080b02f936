/*
 * A PKCS#11 driver that misbehaves in front of a real one.  Environment:
 * LIAR_BEHIND the real driver, LIAR what it does:
 *
 *	hang-load hang-list hang-login hang-sign	never answers
 *	crash-load crash-list crash-login crash-sign	abort()
 *	slow		takes SLOW_MS for each of these
 *	zeros random	a signature that is none
 *	replay		the signature of its first login, from the file LIAR_KEEP,
 *			ever after
 *	any-pin		OK to every PIN
 *	count-objects count-slots	claims more than was asked for
 *	huge		claims attributes of 4 GiB
 *	final		the token says that one try is left
 *	locked		the token says that it is locked
 *	no-reader	no slots at all
 *	absent		no card until there is a file LIAR_KEEP
 *	pinpad		the reader asks for the PIN, and gets 1234
 *	exec		becomes another program, if it can
 *	reach		writes into LIAR_KEEP what came of trying that and of
 *			reaching the process that started it: name, errno
 *	always		the key wants a PIN for each signature
 *	diary		writes into LIAR_KEEP what it is told: login, sign, logout,
 *			end
 *	orphan		the same; signs only when who started it is dead
 *	refuse		the same; logs in, and says that the PIN was wrong
 *
 * When it is loaded it writes its ids, groups and capabilities into the file
 * LIAR_IDS, if there is such a setting.
 */
#include <dlfcn.h>
#include <errno.h>
#include <p11-kit/pkcs11.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define SLOW_MS 2600

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list);

static CK_FUNCTION_LIST *real, liar;
static int contexts;			/* CKU_CONTEXT_SPECIFIC logins */

static int
does(const char *what)
{
	const char *w = getenv("LIAR");

	return w != NULL && strcmp(w, what) == 0;
}

__attribute__((constructor))
static void
note_ids(void)
{
	/* as drivers do that may find themselves in a set-user-ID program */
	const char *path = secure_getenv("LIAR_IDS");
	FILE *in = fopen("/proc/self/status", "r");
	FILE *out = path != NULL ? fopen(path, "w") : NULL;
	char line[256];

	while (in != NULL && out != NULL &&
	    fgets(line, sizeof(line), in) != NULL)
		if (strncmp(line, "Uid:", 4) == 0 ||
		    strncmp(line, "Gid:", 4) == 0 ||
		    strncmp(line, "Groups:", 7) == 0 ||
		    strncmp(line, "CapPrm:", 7) == 0 ||
		    strncmp(line, "NoNewPrivs:", 11) == 0)
			(void)fputs(line, out);
	if (in != NULL)
		(void)fclose(in);
	if (out != NULL)
		(void)fclose(out);
}

static void
perhaps(const char *hang, const char *crash)
{
	const struct timespec slow = { SLOW_MS / 1000,
	    SLOW_MS % 1000 * 1000000L };

	if (does(hang))
		for (;;)
			(void)pause();
	if (does(crash))
		abort();
	if (does("slow"))
		(void)nanosleep(&slow, NULL);
}

static void
note(const char *what)
{
	FILE *f;

	if ((!does("diary") && !does("orphan") && !does("refuse")) ||
	    (f = fopen(getenv("LIAR_KEEP"), "a")) == NULL)
		return;
	(void)fprintf(f, "%s\n", what);
	(void)fclose(f);
}

static CK_RV
logout(CK_SESSION_HANDLE s)
{
	note("logout");
	return real->C_Logout(s);
}

static CK_RV
finalize(void *args)
{
	note("end");
	return real->C_Finalize(args);
}

static void
tried(FILE *f, const char *what, long r)
{
	(void)fprintf(f, "%s %d\n", what, r < 0 ? errno : 0);
}

static void
reach(void)
{
	FILE *f = fopen(getenv("LIAR_KEEP"), "w");
	char byte;
	struct iovec here = { &byte, 1 }, there = { &byte, 1 };
	pid_t p = getppid();
	int fd = (int)syscall(SYS_pidfd_open, p, 0);

	if (f == NULL)
		return;
	tried(f, "kill", kill(p, 0));
	tried(f, "sigqueue", sigqueue(p, 0, (union sigval){ .sival_int = 0 }));
	tried(f, "pidfd", syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	tried(f, "descriptor", syscall(SYS_pidfd_getfd, fd, 0, 0));
	tried(f, "memory", process_vm_readv(p, &here, 1, &there, 1, 0));
	tried(f, "trace", ptrace(PTRACE_SEIZE, p, NULL, NULL));
	tried(f, "exec", execl("/bin/true", "true", (char *)NULL));
	(void)fclose(f);
}

static CK_RV
initialize(void *args)
{
	perhaps("hang-load", "crash-load");
	if (does("reach"))
		reach();
	if (does("exec"))
		(void)execl("/bin/true", "true", (char *)NULL);
	return real->C_Initialize(args);
}

static CK_RV
slot_list(CK_BBOOL present, CK_SLOT_ID *list, unsigned long *n)
{
	CK_RV rv;

	perhaps("hang-list", "crash-list");
	if (does("no-reader")) {
		*n = 0;
		return CKR_OK;
	}
	if (does("absent") && present && access(getenv("LIAR_KEEP"),
	    F_OK) != 0) {
		*n = 0;
		return CKR_OK;
	}
	rv = real->C_GetSlotList(present, list, n);
	if (does("count-slots"))
		*n = 1000000;
	return rv;
}

static CK_RV
token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *t)
{
	CK_RV rv = real->C_GetTokenInfo(slot, t);

	if (does("final"))
		t->flags |= CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY;
	if (does("locked"))
		t->flags |= CKF_USER_PIN_LOCKED;
	if (does("pinpad"))
		t->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
	return rv;
}

static CK_RV
login(CK_SESSION_HANDLE s, CK_USER_TYPE who, unsigned char *pin,
    unsigned long n)
{
	static unsigned char right[] = "1234";
	CK_RV rv;

	perhaps("hang-login", "crash-login");
	note("login");
	if (who == CKU_CONTEXT_SPECIFIC) {
		contexts++;
		return n == 4 && memcmp(pin, right, 4) == 0 ? CKR_OK :
		    CKR_PIN_INCORRECT;
	}
	if (does("any-pin"))
		return CKR_OK;
	if (does("pinpad"))
		return pin == NULL ? real->C_Login(s, who, right, 4) :
		    CKR_PIN_INCORRECT;
	rv = real->C_Login(s, who, pin, n);
	return does("refuse") ? CKR_PIN_INCORRECT : rv;
}

static CK_RV
find(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE *o, unsigned long max,
    unsigned long *n)
{
	CK_RV rv = real->C_FindObjects(s, o, max, n);

	if (does("count-objects"))
		*n = max + 1000000;
	return rv;
}

static CK_RV
attributes(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a,
    unsigned long n)
{
	CK_RV rv = real->C_GetAttributeValue(s, o, a, n);

	for (unsigned long i = 0; i < n; i++) {
		if (does("always") && a[i].type == CKA_ALWAYS_AUTHENTICATE) {
			if (a[i].pValue != NULL)
				*(CK_BBOOL *)a[i].pValue = CK_TRUE;
			a[i].ulValueLen = sizeof(CK_BBOOL);
		}
		if (does("huge") && a[i].type == CKA_VALUE)
			a[i].ulValueLen = 0xffffffffUL;
	}
	return rv;
}

/* The first signature is kept; later ones are that one. */
static CK_RV
replay(unsigned char *sig, unsigned long *n, CK_RV rv)
{
	const char *path = getenv("LIAR_KEEP");
	FILE *f = fopen(path, "rb");

	if (f != NULL) {
		*n = fread(sig, 1, *n, f);
		(void)fclose(f);
	} else if (rv == CKR_OK && (f = fopen(path, "wb")) != NULL) {
		(void)fwrite(sig, 1, *n, f);
		(void)fclose(f);
	}
	return CKR_OK;
}

static CK_RV
sign(CK_SESSION_HANDLE s, unsigned char *data, unsigned long n_data,
    unsigned char *sig, unsigned long *n)
{
	pid_t starter = getppid();
	CK_RV rv;

	perhaps("hang-sign", "crash-sign");
	note("sign");
	while (does("orphan") && getppid() == starter)
		(void)usleep(10000);
	if (does("always") && contexts == 0)
		return CKR_USER_NOT_LOGGED_IN;
	rv = real->C_Sign(s, data, n_data, sig, n);
	if (does("any-pin") && rv != CKR_OK) {
		*n = 64;
		memset(sig, 0x41, *n);
		rv = CKR_OK;
	}
	if (does("zeros"))
		memset(sig, 0, *n);
	if (does("random"))
		for (unsigned long i = 0; i < *n; i++)
			sig[i] = (unsigned char)(sig[i] * 7 + i);
	if (does("replay"))
		return replay(sig, n, rv);
	return rv;
}

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list)
{
	void *so = dlopen(getenv("LIAR_BEHIND"), RTLD_NOW);
	CK_C_GetFunctionList get;

	if (so == NULL)
		return CKR_GENERAL_ERROR;
	get = (CK_C_GetFunctionList)(size_t)dlsym(so, "C_GetFunctionList");
	if (get == NULL || get(&real) != CKR_OK)
		return CKR_GENERAL_ERROR;
	liar = *real;
	liar.C_Initialize = initialize;
	liar.C_GetSlotList = slot_list;
	liar.C_GetTokenInfo = token_info;
	liar.C_Login = login;
	liar.C_Logout = logout;
	liar.C_Finalize = finalize;
	liar.C_FindObjects = find;
	liar.C_GetAttributeValue = attributes;
	liar.C_Sign = sign;
	*list = &liar;
	return CKR_OK;
}
