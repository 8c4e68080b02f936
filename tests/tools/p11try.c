/*
 * Tries cred/p11.h from the shell:
 *   p11try DIR MODULE LIMIT_MS ENV list
 *   p11try DIR MODULE LIMIT_MS ENV sign URI PIN… SCHEME FILE >signature
 * PINs are given one after another until one is right; "" gives none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "cred/p11.h"

static int
list(struct p11 *p, struct why *why)
{
	struct p11_cert *c;
	size_t n;
	int r;

	if ((r = p11_list(p, "", &c, &n, why)) != 0)
		return r;
	for (size_t i = 0; i < n; i++)
		(void)printf("%s|%s|%zu|0x%x\n", c[i].token, c[i].label,
		    c[i].der_len, c[i].flags);
	free(c);
	return 0;
}

static int
sign(struct p11 *p, int argc, char **argv, struct why *why)
{
	struct buf data, sig;
	struct p11_cert *c = NULL;
	uint32_t flags;
	size_t n;
	int r;

	buf_init(&data, P11_DATA_MAX + 1);
	buf_init(&sig, P11_SIG_MAX);
	if ((r = p11_list(p, argv[0], &c, &n, why)) != 0)
		goto out;
	r = n == 1 ? p11_open(p, 0, &flags, why) :
	    why_set(why, ERR_NOTFOUND, "%zu certificates", n);
	for (int i = 1; r == 0 && i < argc - 2; i++) {
		r = p11_login(p, argv[i], strlen(argv[i]), &flags, why);
		if (r != 0)
			(void)fprintf(stderr, "login: %s (0x%x)\n",
			    why->text, flags);
		if (r == 0)
			break;
		if (i < argc - 3)
			r = 0;
	}
	if (r == 0 && (r = path_load(argv[argc - 1], 0, P11_DATA_MAX, &data,
	    why)) == 0)
		r = p11_sign(p, (uint16_t)strtoul(argv[argc - 2], NULL, 16),
		    (struct span){ data.data, data.len }, &sig, why);
	if (r == 0)
		(void)fwrite(sig.data, 1, sig.len, stdout);
out:
	free(c);
	buf_free(&data);
	buf_free(&sig);
	return r;
}

int
main(int argc, char **argv)
{
	struct p11 *p = NULL;
	struct why why = { "" };
	const char *env[1];
	struct p11_conf conf = { .env = env };
	int r;

	if (argc < 6)
		return 2;
	conf.dir = argv[1];
	conf.module = argv[2];
	conf.limit_ms = atoi(argv[3]);
	env[0] = argv[4];
	conf.n_env = *argv[4] != '\0';
	if ((r = p11_start(&p, &conf, &why)) == 0)
		r = strcmp(argv[5], "list") == 0 || argc < 9 ?
		    list(p, &why) : sign(p, argc - 6, argv + 6, &why);
	p11_stop(p);
	if (r != 0)
		(void)fprintf(stderr, "%s\n", why.text);
	return r == 0 ? 0 : 1;
}
