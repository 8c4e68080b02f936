#include "base/memfile.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int
memfile_begin(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	return fd >= 0 ? fd : ERR_SYS;
}

int
memfile_seal(int fd)
{
	return lseek(fd, 0, SEEK_SET) == 0 &&
	    fcntl(fd, F_ADD_SEALS, SEALS) == 0 ? 0 : ERR_SYS;
}

int
memfile_make(const char *name, const void *data, size_t n)
{
	int fd = memfile_begin(name);

	if (fd < 0)
		return fd;
	if (path_write_all(fd, data, n) != 0 || memfile_seal(fd) != 0) {
		(void)close(fd);
		return ERR_SYS;
	}
	return fd;
}

static int
map(int fd, const struct stat *st, size_t max, struct span *out)
{
	void *p;

	if (st->st_size < 0 || (uint64_t)st->st_size > max)
		return ERR_TOOBIG;
	if (st->st_size == 0) {
		*out = (struct span){ (const uint8_t *)"", 0 };
		return 0;
	}
	p = mmap(NULL, (size_t)st->st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return ERR_SYS;
	*out = (struct span){ p, (size_t)st->st_size };
	return 0;
}

int
memfile_map(int fd, size_t max, struct span *out)
{
	struct stat st;

	if (fcntl(fd, F_GET_SEALS) != SEALS)
		return ERR_UNSAFE;
	return fstat(fd, &st) == 0 ? map(fd, &st, max, out) : ERR_SYS;
}

int
memfile_map_file(int fd, size_t max, struct span *out)
{
	struct stat st;
	int mode;

	if (fcntl(fd, F_GET_SEALS) == SEALS)
		return memfile_map(fd, max, out);
	if ((mode = fcntl(fd, F_GETFL)) < 0 || fstat(fd, &st) != 0)
		return ERR_SYS;
	if ((mode & O_ACCMODE) != O_RDONLY || !S_ISREG(st.st_mode) ||
	    st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return ERR_UNSAFE;
	return map(fd, &st, max, out);
}

void
memfile_unmap(struct span s)
{
	if (s.n > 0)
		(void)munmap((void *)(uintptr_t)s.p, s.n);
}
