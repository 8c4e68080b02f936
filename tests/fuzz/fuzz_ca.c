/* What certlogin-ca is given: CSRs, and words that become names. */
#include <gnutls/abstract.h>
#include <string.h>

#include "ca/csr.h"
#include "ca/words.h"
#include "fuzz.h"

#define WORD_MAX 300

/* What passes may hold nothing that could leave a file's or a URI's segment,
 * or split a line. */
static void
must_be_tame(const char *word, const char *never)
{
	CHECK(strpbrk(word, never) == NULL);
	for (const char *p = word; *p != '\0'; p++)
		CHECK(*p > 0x20 && *p < 0x7f);
}

static void
words(const char *word)
{
	uint8_t raw[WORDS_IP_MAX], serial[WORDS_SERIAL];
	char uri[WORDS_URI_MAX];
	enum words_class c;
	const char *name;
	struct why why;
	int reason;
	size_t n;

	if (words_check_name(word, &why) == 0) {
		must_be_tame(word, "/%?#@*{}\"\\");
		words_uri("a.example", WORDS_DEVICE, word, uri);
		CHECK(strcmp(strrchr(uri, '/') + 1, word) == 0);
	}
	if (words_check_realm(word, &why) == 0)
		must_be_tame(word, "/%?#@*{}\"\\_:");
	if (words_check_dns(word, &why) == 0)
		must_be_tame(word, "/%?#@*{}\"\\_:");
	if (words_check_email(word, &why) == 0)
		must_be_tame(word, "%*{}\"\\");
	if (words_id(word, &c, &name, &why) == 0)
		must_be_tame(name, "/%?#@*{}\"\\");
	(void)words_check_upn(word, &why);
	(void)words_check_ip(word, raw, &n, &why);
	(void)words_serial(word, serial, &why);
	(void)words_reason(word, &reason, &why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char word[WORD_MAX + 1];
	gnutls_pubkey_t key;
	struct why why;

	if (size <= WORD_MAX) {
		memcpy(word, data, size);
		word[size] = '\0';
		words(word);
	}
	if (csr_parse((struct span){ data, size }, &key, &why) == 0)
		gnutls_pubkey_deinit(key);
	return 0;
}
