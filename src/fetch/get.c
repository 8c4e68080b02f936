#include "fetch/get.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <nss.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mono.h"
#include "base/path.h"
#include "proto/ipc.h"

#define REDIRECTS_MAX 3
#define CONNECT_SECONDS 20L
#define STALL_SECONDS 20L	/* slower than STALL_BYTES a second */
#define STALL_BYTES 512L
#define ADDRESSES_MAX 8		/* of one name */
#define LOCATION_MAX 2048	/* bytes of a redirect's URL */

/* One transfer. */
struct get {
	CURL *curl;
	int out;
	size_t total;			/* bytes written */
	int64_t deadline;	/* mono_ms() */
	const char *protocols;		/* nothing else of libcurl is reached */
	const char *problem;		/* of writing, or NULL */
	char error[CURL_ERROR_SIZE];
};

/* ---- before the sandbox -------------------------------------------------- */

int
get_init(struct why *why)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return why_set(why, ERR_INTERNAL, "libcurl does not start");
	/* no plug-in of the name service is loaded: hosts' names come from
	 * /etc/hosts and DNS, whose code is in the C library */
	if (__nss_configure_lookup("hosts", "files dns") != 0)
		return why_errno(why, "name service");
	return 0;
}

void
get_files(const char *dst[GET_FILES_MAX])
{
	static const char *const names[] = {
		"/etc/resolv.conf", "/etc/hosts", "/etc/host.conf",
		"/etc/gai.conf", "/etc/nsswitch.conf",
		/* certificates of CAs, where distributions have them */
		"/etc/ssl", "/usr/lib/ssl", "/usr/share/ca-certificates",
		"/usr/local/share/ca-certificates", "/etc/ca-certificates",
		"/etc/pki", "/etc/crypto-policies", "/etc/gnutls",
	};
	const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
	size_t n = 0;

	for (; n < sizeof(names) / sizeof(names[0]); n++)
		dst[n] = names[n];
	/* and where libcurl was told that they are */
	if (v->age >= CURLVERSION_SEVENTH && v->cainfo != NULL)
		dst[n++] = v->cainfo;
	if (v->age >= CURLVERSION_SEVENTH && v->capath != NULL)
		dst[n++] = v->capath;
	dst[n] = NULL;
}

/* ---- a file of this machine ---------------------------------------------- */

int
get_open(const char *path, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return why_errno(why, "cannot be read by everybody");
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	(void)close(fd);
	return why_set(why, ERR_UNSAFE, "is not a regular file");
}

static int
too_big(struct why *why)
{
	return why_set(why, ERR_TOOBIG, "is too big; at most %d bytes are "
	    "taken", IPC_LOAD_FILE_MAX);
}

int
get_file(int file, int out, struct why *why)
{
	char chunk[65536];
	size_t total = 0;
	ssize_t n;

	while ((n = read(file, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return why_errno(why, "cannot be read");
		total += (size_t)n;
		if (total > IPC_LOAD_FILE_MAX)
			return too_big(why);
		if (path_write_all(out, chunk, (size_t)n) != 0)
			return why_errno(why, "cannot be handed on");
	}
	return 0;
}

/* ---- names --------------------------------------------------------------- */

/* "+HOST:PORT:ADDRESS,...": what libcurl then uses, without asking itself,
 * for it would start a thread for that. */
static char *
join(const char *host, const char *port, const struct addrinfo *list)
{
	char address[INET6_ADDRSTRLEN + 2];
	char *text;
	FILE *f;
	size_t size, n = 0;

	if ((f = open_memstream(&text, &size)) == NULL)
		return NULL;
	(void)fprintf(f, "%s:%s:", host, port);
	for (const struct addrinfo *a = list; a != NULL &&
	    n < ADDRESSES_MAX; a = a->ai_next)
		if (getnameinfo(a->ai_addr, a->ai_addrlen, address,
		    sizeof(address), NULL, 0, NI_NUMERICHOST) == 0)
			(void)fprintf(f, "%s%s", n++ > 0 ? "," : "", address);
	if (fclose(f) == 0 && n > 0)
		return text;
	free(text);
	return NULL;
}

static int
look_up(const char *host, const char *port, struct curl_slist **out,
    struct why *why)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	char *text;
	int e = getaddrinfo(host, port, &hints, &list);

	if (e != 0)
		return why_set(why, ERR_NOTFOUND, "the address of %.253s is "
		    "not found: %s", host, gai_strerror(e));
	text = join(host, port, list);
	freeaddrinfo(list);
	*out = text != NULL ? curl_slist_append(NULL, text) : NULL;
	free(text);
	return *out != NULL ? 0 : why_set(why, ERR_NOMEM, "out of memory");
}

/* The addresses of a URL's host, NULL where it is one. */
static int
resolve(const char *url, struct curl_slist **out, struct why *why)
{
	CURLU *u = curl_url();
	char *host = NULL, *port = NULL;
	struct in_addr a;
	int r = 0;

	*out = NULL;
	if (u == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_PORT, &port,
	    CURLU_DEFAULT_PORT) != CURLUE_OK)
		r = why_set(why, ERR_MALFORMED, "is not a URL");
	else if (host[0] != '[' && inet_pton(AF_INET, host, &a) != 1)
		r = look_up(host, port, out, why);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return r;
}

/* ---- http ---------------------------------------------------------------- */

static size_t
take(char *p, size_t size, size_t n, void *ctx)
{
	struct get *g = ctx;
	long status = 0;

	n *= size;
	(void)curl_easy_getinfo(g->curl, CURLINFO_RESPONSE_CODE, &status);
	if (n > IPC_LOAD_FILE_MAX - g->total) {
		g->problem = "too big";
		return 0;
	}
	g->total += n;
	/* what comes with a redirect is for nobody */
	if (status != 200 || path_write_all(g->out, p, n) == 0)
		return n;
	g->problem = "pipe";
	return 0;
}

static bool
set_limits(struct get *g, const char *url, struct curl_slist *addresses)
{
	CURL *c = g->curl;
	long left = (long)((g->deadline - mono_ms()) / 1000);

	/* 0 would be no limit */
	left = left > 0 ? left : 1;
	return curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, g->protocols) == 0 &&
	    curl_easy_setopt(c, CURLOPT_URL, url) == 0 &&
	    curl_easy_setopt(c, CURLOPT_RESOLVE, addresses) == 0 &&
	    curl_easy_setopt(c, CURLOPT_TIMEOUT, left) == 0 &&
	    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT,
	    left < CONNECT_SECONDS ? left : CONNECT_SECONDS) == 0 &&
	    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES) == 0 &&
	    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, STALL_SECONDS) == 0 &&
	    curl_easy_setopt(c, CURLOPT_MAXFILESIZE,
	    (long)IPC_LOAD_FILE_MAX) == 0;
}

static bool
set_up(struct get *g)
{
	CURL *c = g->curl;

	return curl_easy_setopt(c, CURLOPT_ERRORBUFFER, g->error) == 0 &&
	    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take) == 0 &&
	    curl_easy_setopt(c, CURLOPT_WRITEDATA, g) == 0 &&
	    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == 0 &&
	    curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L) == 0 &&
	    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == 0 &&
	    curl_easy_setopt(c, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == 0 &&
	    curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == 0 &&
	    curl_easy_setopt(c, CURLOPT_PROXY, "") == 0 &&
	    curl_easy_setopt(c, CURLOPT_HTTP_VERSION,
	    (long)CURL_HTTP_VERSION_1_1) == 0 &&
	    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == 0 &&
	    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == 0 &&
	    curl_easy_setopt(c, CURLOPT_SSLVERSION,
	    (long)CURL_SSLVERSION_TLSv1_2) == 0 &&
	    curl_easy_setopt(c, CURLOPT_USERAGENT,
	    "certlogin/" PACKAGE_VERSION) == 0;
}

static int
explain(const struct get *g, CURLcode code, struct why *why)
{
	if (code == CURLE_FILESIZE_EXCEEDED || (g->problem != NULL &&
	    strcmp(g->problem, "too big") == 0))
		return too_big(why);
	if (code == CURLE_LOGIN_DENIED)
		return why_set(why, ERR_REFUSED, "redirects to a URL with a "
		    "user name; expected none");
	return why_set(why, ERR_REFUSED, "%s", g->error[0] != '\0' ?
	    g->error : curl_easy_strerror(code));
}

/* One request.  1: redirected to what is in location. */
static int
request(struct get *g, const char *url, char location[LOCATION_MAX],
    struct why *why)
{
	struct curl_slist *addresses = NULL;
	char *to = NULL;
	long status = 0;
	CURLcode code = CURLE_FAILED_INIT;
	int r = resolve(url, &addresses, why);

	if (r == 0 && set_up(g) && set_limits(g, url, addresses)) {
		code = curl_easy_perform(g->curl);
		(void)curl_easy_getinfo(g->curl, CURLINFO_RESPONSE_CODE,
		    &status);
		(void)curl_easy_getinfo(g->curl, CURLINFO_REDIRECT_URL, &to);
	}
	if (r == 0 && code != CURLE_OK)
		r = explain(g, code, why);
	else if (r == 0 && to != NULL)
		r = snprintf(location, LOCATION_MAX, "%s", to) <
		    LOCATION_MAX ? 1 : why_set(why, ERR_TOOBIG, "redirects to "
		    "a URL of more than %d characters", LOCATION_MAX - 1);
	else if (r == 0 && status != 200)
		r = why_set(why, ERR_REFUSED, "the server answers with status "
		    "%ld; expected 200", status);
	curl_slist_free_all(addresses);
	return r;
}

static bool
is_https(const char *url)
{
	return strncasecmp(url, "https://", 8) == 0;
}

/* A server that is asked by https leads to no http. */
static int
check_scheme(const struct get *g, const char *url, struct why *why)
{
	bool http = strcmp(g->protocols, "https") != 0;

	if (is_https(url) || (http && strncasecmp(url, "http://", 7) == 0))
		return 0;
	return why_set(why, ERR_REFUSED, "redirects to %.200s; expected %s",
	    url, http ? "http or https" : "https, as in the first URL");
}

int
get_url(const char *url, unsigned seconds, int out, struct why *why)
{
	char at[LOCATION_MAX], next[LOCATION_MAX];
	struct get g = { .out = out, .deadline = mono_ms() +
	    (int64_t)seconds * 1000, .protocols = is_https(url) ? "https" :
	    "http,https" };
	int r = 1;

	(void)snprintf(at, sizeof(at), "%s", url);
	for (int i = 0; r == 1 && i <= REDIRECTS_MAX; i++) {
		if ((r = check_scheme(&g, at, why)) != 0)
			return r;
		if (mono_ms() >= g.deadline)
			return why_set(why, ERR_TIMEOUT, "took longer than "
			    "%u seconds", seconds);
		if ((g.curl = curl_easy_init()) == NULL)
			return why_set(why, ERR_NOMEM, "out of memory");
		r = request(&g, at, next, why);
		curl_easy_cleanup(g.curl);
		if (r == 1)
			(void)memcpy(at, next, sizeof(at));
	}
	return r != 1 ? r : why_set(why, ERR_REFUSED, "redirects more than "
	    "%d times", REDIRECTS_MAX);
}
