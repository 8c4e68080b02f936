/*
 * One signature by a PKCS#11 driver with nothing around it, so that tests/bench
 * can tell a driver's own time from ours:
 *	p11bare MODULE SCHEME <PIN
 * The only certificate is taken.  Exit 1 if there is no signature.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cred/driver.h"

static int
sign(struct driver *d, uint16_t scheme, const char *pin, struct why *why)
{
	const struct span secret = { (const uint8_t *)pin, strlen(pin) };
	const uint8_t data[64] = { 0 };
	struct buf sig;
	int r;

	buf_init(&sig, P11_SIG_MAX);
	if ((r = driver_list(d, "", why)) == 1 &&
	    (r = driver_open(d, 0, why)) == 0 &&
	    (r = driver_login(d, secret, why)) == 0)
		r = driver_sign(d, scheme, (struct span){ data,
		    sizeof(data) }, &sig, why);
	else if (r >= 0)
		r = why_set(why, ERR_NOTFOUND, "%d certificates", r);
	buf_free(&sig);
	return r;
}

int
main(int argc, char **argv)
{
	struct why why = { "" };
	struct driver *d = NULL;
	char pin[64];
	int r;

	if (argc != 3 || fgets(pin, sizeof(pin), stdin) == NULL)
		return 2;
	pin[strcspn(pin, "\n")] = '\0';
	if ((r = driver_load(&d, argv[1], &why)) == 0)
		r = sign(d, (uint16_t)strtoul(argv[2], NULL, 16), pin, &why);
	driver_free(d);
	if (r != 0)
		(void)fprintf(stderr, "p11bare: %s\n", why.text);
	return r == 0 ? 0 : 1;
}
