/*
 * What the lying helpers share.  A test makes a folder of helpers in which
 * one program is replaced by a liar, with the honest one beside it as
 * NAME.real, and starts certlogind with `helpers = ` that folder.  The lie is
 * the first line of the file `lie` in it, read when it is needed, so that one
 * certlogind sees many; without the file, and as "honest", the liar does what
 * the honest program does.
 */
#ifndef TOOLS_LIAR_H
#define TOOLS_LIAR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "proto/chan.h"

#define LIAR_LIE_MAX 128	/* with NUL */
#define LIAR_PATH_MAX 512	/* with NUL */

/* The lie of now.  Returns dst. */
char *liar_lie(char dst[LIAR_LIE_MAX]);

/* The path of `name` in the folder of this program.  Returns dst. */
char *liar_path(char dst[LIAR_PATH_MAX], const char *name);

/* Become the honest program; what waits in the channel is its own. */
_Noreturn void liar_honest(char **argv);

/* Start the honest program with its channel at our side; the other
 * descriptors are as ours. */
int liar_start_honest(char **argv);

/* Receive from `from` into b and send the same on to `to`. */
int liar_pass(int from, int to, struct buf *b);
/* Send m on as it came, its descriptors too, which are closed here. */
int liar_forward(int to, struct chan_msg *m);

/* Wait until fd can be read or has ended. */
void liar_wait(int fd);

#endif
