#include "base/mono.h"

#include <time.h>

int64_t
mono_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t
mono_ms(void)
{
	return mono_us() / 1000;
}

double
mono_seconds(void)
{
	return (double)mono_us() / 1e6;
}
