#include "base/memfile.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int
memfile_make(const char *name, const void *data, size_t n)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return ERR_SYS;
	if (path_write_all(fd, data, n) != 0 ||
	    lseek(fd, 0, SEEK_SET) != 0 ||
	    fcntl(fd, F_ADD_SEALS, SEALS) != 0) {
		(void)close(fd);
		return ERR_SYS;
	}
	return fd;
}

int
memfile_map(int fd, size_t max, struct span *out)
{
	struct stat st;
	void *p;

	if (fcntl(fd, F_GET_SEALS) != SEALS)
		return ERR_UNSAFE;
	if (fstat(fd, &st) != 0)
		return ERR_SYS;
	if (st.st_size < 0 || (uint64_t)st.st_size > max)
		return ERR_TOOBIG;
	if (st.st_size == 0) {
		*out = (struct span){ (const uint8_t *)"", 0 };
		return 0;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return ERR_SYS;
	*out = (struct span){ p, (size_t)st.st_size };
	return 0;
}

void
memfile_unmap(struct span s)
{
	if (s.n > 0)
		(void)munmap((void *)(uintptr_t)s.p, s.n);
}
