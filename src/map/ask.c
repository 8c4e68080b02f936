#include "map/ask.h"

#include <stdlib.h>
#include <unistd.h>

#include "map/say.h"
#include "proto/judgecall.h"

int
ask_load(const struct options *o, const char *map, struct load_result *out,
    struct diag *diag)
{
	const struct load_from from = { .trust = o->trust, .map = map,
	    .state = o->state };
	struct why why;

	return judgecall_load(&from, out, diag, &why) == 0 ? EXIT_DONE :
	    say_error(EXIT_COULD_NOT, "%s", why.text);
}

static int
question(const struct options *o, int policy, const struct ipc_test *ask,
    struct ipc_tested *out)
{
	struct why why;

	if (judgecall_test(policy, o->cert, ask, out, &why) != 0)
		return say_error(EXIT_COULD_NOT, "%s", why.text);
	if (out->problem[0] != '\0')
		return say_error(EXIT_USAGE, "%s", out->problem);
	return EXIT_DONE;
}

int
ask_test(const struct options *o, const char *map,
    const struct ipc_test *ask, struct ipc_tested *out)
{
	struct load_result *loaded = calloc(1, sizeof(*loaded));
	struct diag diag;
	int rc = EXIT_COULD_NOT;

	if (loaded == NULL)
		return say_error(rc, "out of memory");
	diag_init(&diag);
	loaded->policy = -1;
	if ((rc = ask_load(o, map, loaded, &diag)) == EXIT_DONE) {
		say_findings(stderr, &diag);
		rc = loaded->done.ok ? question(o, loaded->policy, ask, out) :
		    say_error(EXIT_COULD_NOT, "there are errors in what the "
		    "certificate is to be held against");
	}
	if (loaded->policy >= 0)
		(void)close(loaded->policy);
	diag_free(&diag);
	free(loaded);
	return rc;
}
