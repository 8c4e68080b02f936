/*
 * certlogind's answer as certloginctl prints it.  Input: byte 0 text, 1 JSON, 2
 * metrics; then the items of one message.  Whatever they are, what is printed
 * is printable lines.
 */
#include "fuzz.h"

#include <stdio.h>

#include "ctl/print.h"
#include "ctl/prom.h"
#include "proto/chan.h"

static void
print(struct rd r, bool json)
{
	struct print p = { .json = json };
	struct ctlmsg_item item;

	while (ctlmsg_next(&r, &item) > 0)
		if (print_item(&p, &item) != 0)
			return;
	print_end(&p);
}

static void
metrics(struct rd r)
{
	struct ctlmsg_item item;
	struct prom p;

	buf_init(&p.items, PROM_MAX);
	while (ctlmsg_next(&r, &item) > 0)
		CHECK(prom_item(&p, &item) == 0);
	(void)prom_print(&p);
	buf_free(&p.items);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t how = fuzz_u8(&data, &size);
	FILE *kept = stdout;
	uint8_t *copy;
	char *text;
	size_t n;

	if (size > CHAN_MSG_MAX)
		return 0;
	copy = fuzz_copy(data, size);
	CHECK((stdout = open_memstream(&text, &n)) != NULL);
	if (how % 3 == 2)
		metrics(rd_of(copy, size));
	else
		print(rd_of(copy, size), how % 3 == 1);
	CHECK(fclose(stdout) == 0);
	stdout = kept;
	for (size_t i = 0; i < n; i++)
		CHECK(text[i] == '\n' || (text[i] >= 0x20 && text[i] <= 0x7e));
	free(text);
	free(copy);
	return 0;
}
