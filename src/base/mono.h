/*
 * The time that passes, for limits and waiting: nobody sets it, and it means
 * nothing outside this machine.
 */
#ifndef BASE_MONO_H
#define BASE_MONO_H

#include <stdint.h>

int64_t mono_ms(void);		/* milliseconds since some moment */
int64_t mono_us(void);		/* microseconds since the same */
double mono_seconds(void);	/* the same in seconds, as libev counts */

#endif
