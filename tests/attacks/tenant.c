/*
 * tenant UID lease FILE… | churn DIRECTORY | hold FILE | link FILE PREFIX COUNT | fuse DIRECTORY: what a user without rights does to an agent,
 * until standard input ends. Prints a line when it has begun.
 *
 * lease: holds write leases, so that a program that opens the files waits (fcntl(2), F_SETLEASE). churn: makes and removes
 * directories. hold: keeps a file open, and at the end prints the mode of what it holds. link: makes hard links first.
 * fuse: mounts a file system over a directory, as fusermount3(1) does for a user, and never answers a request for it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static int has_ended(int milliseconds)
{
	struct pollfd end = { .fd = 0, .events = POLLIN };
	return poll(&end, 1, milliseconds) != 0;
}

static void begin(void)
{
	puts("begun");
	fflush(stdout);
}

static int lease(char **files)
{
	signal(SIGIO, SIG_IGN); /* the kernel asks to give the lease back: this user does not */
	for (; *files; files++) {
		int fd = open(*files, O_RDWR);
		if (fd < 0 || fcntl(fd, F_SETLEASE, F_WRLCK) < 0) return 3;
	}
	begin();
	while (!has_ended(1000));
	return 0;
}

static int churn(const char *directory)
{
	char path[4096];
	begin();
	while (!has_ended(0))
		for (int i = 0; i < 400; i++) {
			snprintf(path, sizeof path, "%s/%d", directory, i % 200);
			if (i < 200) mkdir(path, 0700);
			else rmdir(path);
		}
	return 0;
}

static int hold(const char *file)
{
	struct stat s;
	int fd = open(file, O_RDONLY);
	if (fd < 0) return 3;
	begin();
	while (!has_ended(1000));
	if (fstat(fd, &s) < 0) return 4;
	printf("%o\n", s.st_mode & 07777);
	return 0;
}

static int make_links(const char *file, const char *prefix, int count)
{
	char path[4096];
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof path, "%s%d", prefix, i);
		if (link(file, path) < 0) return 3;
	}
	begin();
	return 0;
}

static int mount_fuse(const char *directory, uid_t uid)
{
	char options[128];
	int fd = open("/dev/fuse", O_RDWR);
	if (fd < 0) return 3;
	snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=%d,group_id=%d,allow_other", fd, (int)uid, (int)uid);
	return mount("tenant", directory, "fuse", MS_NOSUID | MS_NODEV, options) < 0 ? 3 : 0;
}

static int stay(void)
{
	begin();
	while (!has_ended(1000));
	return 0;
}

int main(int argc, char **argv)
{
	uid_t uid = argc > 3 ? (uid_t)atoi(argv[1]) : 0;
	int is_fuse = argc == 4 && !strcmp(argv[2], "fuse");
	if (is_fuse && mount_fuse(argv[3], uid)) return 4;
	if (!uid || setgid(uid) < 0 || setuid(uid) < 0) return 2;
	if (is_fuse) return stay();
	if (!strcmp(argv[2], "lease")) return lease(argv + 3);
	if (!strcmp(argv[2], "churn")) return churn(argv[3]);
	if (!strcmp(argv[2], "hold")) return hold(argv[3]);
	if (!strcmp(argv[2], "link") && argc == 6) return make_links(argv[3], argv[4], atoi(argv[5]));
	return 2;
}
