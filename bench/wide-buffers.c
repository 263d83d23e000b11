/*
 * LD_PRELOAD for a load generator that is thousands of clients on one socket: it gets a receive buffer of 32 MiB,
 * because each real client would have its own. The kernel's default, 208 KiB, holds some 170 answers; further answers
 * would be lost in the generator, not in a server. SO_RCVBUFFORCE needs CAP_NET_ADMIN (socket(7)).
 */
#include <dlfcn.h>
#include <stdio.h>
#include <sys/socket.h>

static const int buffer_bytes = 32 * 1024 * 1024;

int socket(int domain, int type, int protocol)
{
	int (*real)(int, int, int) = (int (*)(int, int, int))dlsym(RTLD_NEXT, "socket");
	int fd = real(domain, type, protocol);
	if (fd >= 0 && domain != AF_UNIX &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes) != 0)
		perror("wide-buffers: SO_RCVBUFFORCE");
	return fd;
}
