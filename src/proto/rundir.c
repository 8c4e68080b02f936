#include "proto/rundir.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

int
rundir_default(const char *conf_path, char *dst, size_t size)
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;
	int n;

	if (strcmp(conf_path, RUNDIR_DEFAULT_CONF) == 0)
		n = snprintf(dst, size, "%s", RUN_DIR);
	else {
		sha256_init(&ctx);
		sha256_update(&ctx, strlen(conf_path),
		    (const uint8_t *)conf_path);
		sha256_digest(&ctx, sizeof(digest), digest);
		n = snprintf(dst, size, "%s/%02x%02x%02x%02x", RUN_DIR,
		    digest[0], digest[1], digest[2], digest[3]);
	}
	return n > 0 && (size_t)n < size ? 0 : ERR_TOOBIG;
}
