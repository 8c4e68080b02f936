/* Built without the PAM module: there is nothing to walk through. */
#include "map/cards.h"
#include "map/say.h"
#include "map/token.h"

int
token_run(const struct options *o)
{
	(void)o;
	return say_error(EXIT_COULD_NOT, "test --token: built without the "
	    "PAM module; expected ./configure without --disable-pam");
}

int
cards_choose(const struct options *o, cards_ask *ask, struct ipc_tested *out)
{
	(void)o;
	(void)ask;
	(void)out;
	return say_error(EXIT_COULD_NOT, "add --from-token: built without the "
	    "PAM module; expected ./configure without --disable-pam");
}
