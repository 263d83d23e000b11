/*
 * swapper UID FIRST SECOND…: as a user without rights, exchanges each pair of names in a loop (RENAME_EXCHANGE), as fast as it
 * can, until its standard input ends. A pair that cannot be exchanged is tried again.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct pollfd end = { .fd = 0, .events = POLLIN };
	uid_t uid = argc > 3 ? (uid_t)atoi(argv[1]) : 0;
	if (!uid || setgid(uid) < 0 || setuid(uid) < 0) return 2;
	puts("swapping");
	fflush(stdout);
	while (poll(&end, 1, 0) == 0)
		for (int round = 0; round < 100; round++)
			for (int i = 2; i + 1 < argc; i += 2)
				renameat2(AT_FDCWD, argv[i], AT_FDCWD, argv[i + 1], RENAME_EXCHANGE);
	return 0;
}
