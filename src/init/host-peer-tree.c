/*
 * Contents out of the files of a machine's own system. The program that serves them reads from the network and is confined
 * to the agent's store, so another process opens the files. It has a table of the image's contents and of the paths where the
 * image has them, opens a path beneath the root, and hands over a descriptor only of a file of root's that has the content
 * with the hash asked for. A lease keeps everybody from writing to it until that descriptor is closed: who wants to write
 * gets it at once, and the transfer ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "host-hash.h"
#include "host-peer.h"

enum { MAX_LINES = 200000, MAX_PATH = 4096, MAX_TRIED = 8, CHUNK = 1 << 18, SETTLED_SECONDS = 2, NICENESS = 19 };
/* ioprio_set(2): the least of the best-effort class; in the idle class, a lease could be held for as long as the disk is busy. */
enum { IOPRIO_WHO_PROCESS = 1, IOPRIO_LEAST = 2 << 13 | 7 };

enum verdict { UNKNOWN, SAME, OTHER };

/* A line `HEX SIZE PATH` of the table, and what became of the file: a verdict holds as long as the file is not changed. */
struct entry {
	const char *hex, *path;
	size_t path_length;
	off_t size;
	enum verdict verdict;
	dev_t dev;
	ino_t ino;
	struct timespec modified, changed;
};

static struct entry *entries;
static size_t count;
static int top;

/* Reads a line of the table; 0 if it is something else. */
static int read_line(const char *line, const char *end, struct entry *entry)
{
	char *rest;
	memset(entry, 0, sizeof *entry);
	if (end - line < PEER_LINE + 4 || line[PEER_HEX] != ' ' || line[PEER_LINE] < '1' || line[PEER_LINE] > '9') return 0;
	entry->hex = line;
	entry->size = strtoll(line + PEER_LINE, &rest, 10);
	if (rest[0] != ' ' || rest[1] != '/' || rest + 2 >= end) return 0;
	entry->path = rest + 2; /* beneath the root */
	entry->path_length = (size_t)(end - entry->path);
	return entry->path_length < MAX_PATH;
}

/* Takes the whole table, whose lines are sorted; 0 if it is none. */
static int read_table(int fd)
{
	struct stat s;
	if (fstat(fd, &s) < 0 || s.st_size == 0) return 0;
	const char *at = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, fd, 0), *end = at + s.st_size;
	if (at == MAP_FAILED || end[-1] != '\n') return 0;
	size_t lines = 0;
	for (const char *p = at; p < end; p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1) lines++;
	if (lines > MAX_LINES || !(entries = calloc(lines, sizeof *entries))) return 0;
	for (; at < end; count++) {
		const char *next = memchr(at, '\n', (size_t)(end - at));
		if (!read_line(at, next, &entries[count])) return 0;
		if (count > 0 && memcmp(entries[count - 1].hex, at, PEER_HEX) > 0) return 0;
		at = next + 1;
	}
	return 1;
}

static int is_leased(int fd)
{
	return fcntl(fd, F_GETLEASE) == F_RDLCK;
}

/* Whether an open file has this content: 1, 0, or -1 if that cannot be said. */
static int has_content(int fd, const struct entry *entry)
{
	static uint8_t chunk[CHUNK];
	uint8_t digest[SHA512_BYTES];
	char hex[SHA512_HEX + 1];
	SHA512_CTX sum;
	ssize_t length;
	off_t total = 0;
	SHA512_Init(&sum);
	while ((length = read(fd, chunk, CHUNK)) > 0 && (total += length) <= entry->size) {
		SHA512_Update(&sum, chunk, (size_t)length);
		if (is_leased(fd)) continue;
		length = -1; /* someone wants to write */
		break;
	}
	SHA512_Final(digest, &sum);
	if (length < 0 || lseek(fd, 0, SEEK_SET) < 0) return -1;
	hash_hex(digest, SHA512_BYTES, hex);
	return total == entry->size && memcmp(hex, entry->hex, PEER_HEX) == 0;
}

static int is_same_time(const struct timespec *one, const struct timespec *other)
{
	return one->tv_sec == other->tv_sec && one->tv_nsec == other->tv_nsec;
}

/* Whether an open, leased file is to be handed over. */
static int judge(int fd, const struct stat *s, struct entry *entry)
{
	if (entry->verdict != UNKNOWN && entry->dev == s->st_dev && entry->ino == s->st_ino &&
	    is_same_time(&entry->modified, &s->st_mtim) && is_same_time(&entry->changed, &s->st_ctim))
		return entry->verdict == SAME;
	struct timespec now;
	int has = has_content(fd, entry);
	clock_gettime(CLOCK_REALTIME, &now);
	/* a later change within the same tick of the clock would not show */
	if (has >= 0 && now.tv_sec - s->st_ctim.tv_sec > SETTLED_SECONDS) {
		entry->verdict = has ? SAME : OTHER;
		entry->dev = s->st_dev;
		entry->ino = s->st_ino;
		entry->modified = s->st_mtim;
		entry->changed = s->st_ctim;
	}
	return has > 0;
}

/* Opens the file of an entry; -1 if it is not what the image has, or if anybody but root could write to it. */
static int open_entry(struct entry *entry)
{
	char path[MAX_PATH];
	struct stat s;
	struct open_how how = { .flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC,
	                        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV };
	memcpy(path, entry->path, entry->path_length);
	path[entry->path_length] = 0;
	int fd = (int)syscall(SYS_openat2, top, path, &how, sizeof how);
	if (fd < 0) return -1;
	if (fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_uid == 0 && !(s.st_mode & 022) && s.st_size == entry->size &&
	    fcntl(fd, F_SETLEASE, F_RDLCK) == 0 && fstat(fd, &s) == 0 && judge(fd, &s, entry) && is_leased(fd))
		return fd;
	close(fd);
	return -1;
}

static int open_content(const char *hex)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (memcmp(entries[middle].hex, hex, PEER_HEX) < 0) low = middle + 1;
		else high = middle;
	}
	for (size_t i = low; i < count && i < low + MAX_TRIED && !memcmp(entries[i].hex, hex, PEER_HEX); i++) {
		int fd = open_entry(&entries[i]);
		if (fd >= 0) return fd;
	}
	return -1;
}

/* Answers a question, with a descriptor if there is one. */
static void reply(int to, uint32_t number, int fd)
{
	struct peer_answer answer = { .number = number, .is_there = fd >= 0 };
	struct iovec part = { &answer, sizeof answer };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	if (fd >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof control.bytes;
		struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(rights), &fd, sizeof fd);
	}
	if (sendmsg(to, &message, MSG_NOSIGNAL) < 0) exit(1);
}

static void answer_questions(int with)
{
	struct peer_question question;
	ssize_t length;
	while ((length = recv(with, &question, sizeof question, 0)) == (ssize_t)sizeof question || (length < 0 && errno == EINTR)) {
		if (length < 0) continue;
		int fd = open_content(question.hex);
		reply(with, question.number, fd);
		if (fd >= 0) close(fd);
	}
	exit(0);
}

/* The process that opens files; says 1 when it is ready, and ends with the other one. */
static void open_files(int with, const char *directory, const char *root, const char *table)
{
	const char *failed = table;
	int fd = open(table, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && !read_table(fd)) errno = EBADMSG;
	else if (fd >= 0) {
		close(fd);
		top = peer_enter((struct peer_place){ root, directory, PEER_OPENER }, &failed);
		if (top >= 0) {
			reply(with, 1, -1);
			answer_questions(with);
		}
	}
	fprintf(stderr, "birther-peer: %s: %s\n", failed, strerror(errno));
	exit(1);
}

int peer_start_opener(const char *directory, const char *root, const char *table)
{
	int ends[2];
	struct peer_answer ready;
	if (setpriority(PRIO_PROCESS, 0, NICENESS) < 0 || syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_LEAST) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		for (int fd = 0; fd < ends[1]; fd++)
			if (fd != STDERR_FILENO) close(fd);
		open_files(ends[1], directory, root, table);
	}
	close(ends[1]);
	if (pid > 0 && recv(ends[0], &ready, sizeof ready, 0) == (ssize_t)sizeof ready) return ends[0];
	errno = ECHILD;
	return -1;
}

/* Takes a descriptor over, with the notice of those who want to write; -1 if someone does already. */
static int take_over(int fd)
{
	if (fcntl(fd, F_SETOWN, getpid()) == 0 && is_leased(fd)) return fd;
	close(fd);
	return -1;
}

int peer_ask_opener(int opener, uint32_t number, const char *hex)
{
	struct peer_question question = { .number = number };
	memcpy(question.hex, hex, PEER_HEX);
	return send(opener, &question, sizeof question, MSG_NOSIGNAL) == (ssize_t)sizeof question;
}

int peer_take_answer(int opener, uint32_t *number, int *fd)
{
	struct peer_answer answer;
	struct iovec part = { &answer, sizeof answer };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
	                          .msg_controllen = sizeof control.bytes };
	if (recvmsg(opener, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != (ssize_t)sizeof answer) return 0;
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	*number = answer.number;
	*fd = -1;
	if (answer.is_there && rights && rights->cmsg_type == SCM_RIGHTS) memcpy(fd, CMSG_DATA(rights), sizeof *fd);
	if (*fd >= 0) *fd = take_over(*fd);
	return 1;
}

int peer_may_send(int fd)
{
	return is_leased(fd);
}
