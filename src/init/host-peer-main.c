/* The start of the program that serves contents to other machines (host-peer.c). */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "host-peer.h"

enum { BACKLOG = 64 };

static int open_listener(const char *address, const char *port, struct sockaddr_in *bound)
{
	int one = 1;
	socklen_t length = sizeof *bound;
	memset(bound, 0, sizeof *bound);
	bound->sin_family = AF_INET;
	bound->sin_port = htons((uint16_t)atoi(port));
	if (inet_pton(AF_INET, address, &bound->sin_addr) != 1) {
		errno = EINVAL;
		return -1;
	}
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
	    bind(fd, (struct sockaddr *)bound, sizeof *bound) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)bound, &length) < 0)
		return -1;
	return fd;
}

int peer_main(int argc, char **argv)
{
	struct sockaddr_in bound;
	sigset_t breaks, others;
	int store = -1, opener = -1;
	const char *failed = "listen";
	if (argc != 4 && argc != 6) {
		printf("usage: birther-peer DIRECTORY ADDRESS PORT [ROOT TABLE]\n");
		return 2;
	}
	sigemptyset(&breaks);
	sigaddset(&breaks, SIGIO);
	sigprocmask(SIG_BLOCK, &breaks, &others); /* a broken lease; seen while this program waits */
	int listener = open_listener(argv[2], argv[3], &bound);
	if (listener >= 0 && argc == 6) opener = peer_start_opener(argv[1], argv[4], argv[5]);
	if (listener >= 0 && argc == 6 && opener < 0) failed = "start the process that opens files";
	else if (listener >= 0) store = peer_enter((struct peer_place){ argv[1], argv[1], PEER_SERVER }, &failed);
	if (store < 0 || fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) < 0) {
		printf("%s: %s\n", failed, strerror(errno));
		return 1;
	}
	printf("listening %d\n", ntohs(bound.sin_port));
	fflush(stdout);
	close(STDOUT_FILENO);
	peer_serve(listener, (struct peer_sources){ store, opener }, &others);
	return 0;
}
