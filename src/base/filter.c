#include "base/filter.h"

#include <endian.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>

#include "base/err.h"

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define MACHINE AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && __BYTE_ORDER == __LITTLE_ENDIAN
#define MACHINE AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define MACHINE AUDIT_ARCH_S390X
#else
#error "this machine's AUDIT_ARCH_ is missing here; or --disable-sandbox"
#endif

#define X32 0x40000000u		/* first of those numbers (x86-64) */
#define LEAF 3			/* calls that are compared one by one */
#define IF_EQUAL BPF_JMP | BPF_JEQ | BPF_K
#define IF_AT_LEAST BPF_JMP | BPF_JGE | BPF_K
#define IF_ANY BPF_JMP | BPF_JSET | BPF_K

static void
put(struct filter *f, unsigned code, size_t yes, size_t no, uint32_t k)
{
	if (f->n == FILTER_MAX) {
		f->full = true;
		return;
	}
	f->code[f->n++] = (struct sock_filter){ .code = (uint16_t)code,
	    .jt = (uint8_t)yes, .jf = (uint8_t)no, .k = k };
}

static void
load(struct filter *f, size_t offset)
{
	put(f, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void
load_number(struct filter *f)
{
	load(f, offsetof(struct seccomp_data, nr));
}

/* The lower or upper half of an argument. */
static void
load_half(struct filter *f, int arg, bool upper)
{
	bool second = upper == (__BYTE_ORDER == __LITTLE_ENDIAN);

	load(f, offsetof(struct seccomp_data, args) + (size_t)arg * 8 +
	    (second ? 4 : 0));
}

static void
answer(struct filter *f, uint32_t action)
{
	put(f, BPF_RET | BPF_K, 0, 0, action);
}

void
filter_begin(struct filter *f, uint32_t fits, uint32_t otherwise)
{
	f->n = f->n_calls = 0;
	f->fits = fits;
	f->otherwise = otherwise;
	f->full = false;
	load(f, offsetof(struct seccomp_data, arch));
	put(f, IF_EQUAL, 1, 0, MACHINE);
	answer(f, SECCOMP_RET_KILL_PROCESS);
	load_number(f);
#ifdef __x86_64__
	put(f, IF_AT_LEAST, 0, 1, X32);
	answer(f, SECCOMP_RET_KILL_PROCESS);
#endif
}

void
filter_call(struct filter *f, int nr)
{
	if (nr < 0)
		return;
	if (f->n_calls == FILTER_CALLS_MAX)
		f->full = true;
	else
		f->call[f->n_calls++] = (uint32_t)nr;
}

void
filter_equal(struct filter *f, int nr, int arg, uint64_t value)
{
	if (nr < 0)
		return;
	put(f, IF_EQUAL, 0, 6, (uint32_t)nr);
	load_half(f, arg, false);
	put(f, IF_EQUAL, 0, 3, (uint32_t)value);
	load_half(f, arg, true);
	put(f, IF_EQUAL, 0, 1, (uint32_t)(value >> 32));
	answer(f, f->fits);
	load_number(f);
}

void
filter_without(struct filter *f, int nr, int arg, uint32_t bits)
{
	if (nr < 0)
		return;
	put(f, IF_EQUAL, 0, 4, (uint32_t)nr);
	load_half(f, arg, false);
	put(f, IF_ANY, 1, 0, bits);
	answer(f, f->fits);
	load_number(f);
}

static int
by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Sorted calls; whatever is not one of them is answered, too. */
static void
put_tree(struct filter *f, const uint32_t *call, size_t n)
{
	size_t half = n / 2, fork = f->n;

	for (size_t i = 0; n <= LEAF && i < n; i++) {
		put(f, IF_EQUAL, 0, 1, call[i]);
		answer(f, f->fits);
	}
	if (n <= LEAF) {
		answer(f, f->otherwise);
		return;
	}
	put(f, IF_AT_LEAST, 0, 0, call[half]);
	put_tree(f, call, half);
	if (f->full || f->n - fork - 1 > UINT8_MAX) {
		f->full = true;
		return;
	}
	f->code[fork].jt = (uint8_t)(f->n - fork - 1);
	put_tree(f, call + half, n - half);
}

int
filter_end(struct filter *f)
{
	qsort(f->call, f->n_calls, sizeof(f->call[0]), by_number);
	put_tree(f, f->call, f->n_calls);
	return f->full ? ERR_TOOBIG : 0;
}
