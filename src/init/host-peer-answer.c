/*
 * The answer to a request of another machine: the line of each content, and its bytes out of a file, within the limit of all
 * connections.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "host-peer-connection.h"

enum { SLICE = 1 << 18, LEAST_SLICE = 1 << 14, MAX_STEPS = 64, WAIT_MS = 10000, MARK_MS = 1000, BURSTS_PER_SECOND = 8 };

void connection_add_tokens(void)
{
	double most = (double)peer.bytes_per_second / BURSTS_PER_SECOND;
	if (most < LEAST_SLICE) most = LEAST_SLICE;
	peer.tokens += (double)peer.bytes_per_second * (double)(peer.now_ms - peer.filled_ms) / 1000;
	if (peer.tokens > most) peer.tokens = most;
	peer.filled_ms = peer.now_ms;
}

/* How many of these bytes may be sent now. */
static size_t allowed(off_t bytes)
{
	size_t wanted = bytes < SLICE ? (size_t)bytes : SLICE;
	if (peer.bytes_per_second == 0) return wanted;
	if (peer.tokens < (double)(wanted < LEAST_SLICE ? wanted : LEAST_SLICE)) return 0;
	return (double)wanted < peer.tokens ? wanted : (size_t)peer.tokens;
}

void connection_refuse(struct connection *c, int status)
{
	char text[128];
	snprintf(text, sizeof text, "HTTP/1.1 %d refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", status);
	connection_print(c, text);
	c->is_last = 1;
	connection_enter(c, SENDING, WANT_OUTPUT);
}

/*
 * Opens the next content, and says why not: one that is being written is not there yet. A lease for reading is only given while
 * no process has the file open for writing; a file system without leases leaves that to the fetcher's hash.
 */
static int open_object(const char *hex, off_t *size)
{
	static const char *const directories[] = { "objects", "served" }; /* what was placed has a name in the second one */
	char path[PEER_HEX + 16];
	struct stat s;
	int fd = -1;
	struct open_how how = { .flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC,
	                        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV };
	for (int i = 0; i < 2 && fd < 0; i++) {
		snprintf(path, sizeof path, "%s/%.2s/%.126s", directories[i], hex, hex + 2);
		fd = (int)syscall(SYS_openat2, peer.store, path, &how, sizeof how);
	}
	if (fd < 0) return -1;
	if ((fcntl(fd, F_SETLEASE, F_RDLCK) < 0 && errno == EAGAIN) || fstat(fd, &s) < 0 || !S_ISREG(s.st_mode)) {
		close(fd);
		return -1;
	}
	fcntl(fd, F_SETLEASE, F_UNLCK);
	*size = s.st_size;
	return fd;
}

/* Opens the next content in the store, or as the opener has found it; asks the opener if it is not in the store. */
static void find_content(struct connection *c, const char *hex)
{
	static uint32_t asked;
	struct stat s;
	c->is_of_tree = c->found >= 0;
	if (!c->is_of_tree) c->file = open_object(hex, &c->left);
	else if (fstat(c->found, &s) == 0) {
		c->file = c->found;
		c->left = s.st_size;
		c->found = -1;
	}
	if (c->file >= 0 || peer.opener < 0 || c->question) return;
	if (++asked == 0) asked++;
	c->question = asked;
	c->lacks = !peer_ask_opener(peer.opener, asked, hex);
}

/* Prints the line of the next content: with its length, that it is not there yet, or that it does not come. */
static void begin_content(struct connection *c)
{
	char hex[PEER_LINE], text[PEER_LINE + 48];
	memcpy(hex, c->request.body + c->next, PEER_HEX);
	hex[PEER_HEX] = 0;
	find_content(c, hex);
	if (c->file >= 0) {
		off_t from = c->next == 0 ? (off_t)c->request.from : 0, to = c->next == 0 ? (off_t)c->request.to : 0;
		off_t beyond = to > 0 && to < c->left ? c->left - to : 0; /* what is not wanted at its end */
		if (from > 0 && from < c->left && lseek(c->file, from, SEEK_SET) == from) {
			snprintf(text, sizeof text, "%s %lld %lld\n", hex, (long long)c->left, (long long)from);
			c->left -= from;
		} else snprintf(text, sizeof text, "%s %lld\n", hex, (long long)c->left);
		c->left = beyond < c->left ? c->left - beyond : 0;
		c->next += PEER_LINE;
		c->missing_ms = c->question = 0;
		connection_print(c, text);
		return;
	}
	if (!c->missing_ms) c->missing_ms = c->marked_ms = peer.now_ms;
	c->is_last = c->lacks || peer.now_ms - c->missing_ms >= WAIT_MS;
	c->want = WANT_OBJECT;
	c->moved_ms = peer.now_ms; /* the limit is that of waiting */
	if (!c->is_last && peer.now_ms - c->marked_ms < MARK_MS) return;
	c->marked_ms = peer.now_ms;
	snprintf(text, sizeof text, "%s %c\n", hex, c->lacks ? '!' : c->is_last ? '-' : '?');
	connection_print(c, text);
}

/* The bytes that a call sent; 0 if the socket is full, -1 if the connection is lost. */
static ssize_t sent(struct connection *c, ssize_t count)
{
	if (count < 0 && errno != EAGAIN && errno != EINTR) return -1;
	if (count < 0) {
		c->want = WANT_OUTPUT;
		return 0;
	}
	c->moved_ms = peer.now_ms;
	if (peer.bytes_per_second) peer.tokens -= (double)count;
	return count;
}

/* One step of an answer: 1 if another one may follow at once, 0 if it has to wait, -1 if the connection is lost. */
static int send_some(struct connection *c)
{
	if (c->out_sent < c->out_length) {
		int flags = MSG_NOSIGNAL | (c->file >= 0 && c->left > 0 ? MSG_MORE : 0);
		ssize_t count = sent(c, send(c->fd, c->out + c->out_sent, c->out_length - c->out_sent, flags));
		if (count > 0) c->out_sent += (size_t)count;
		return count > 0 ? 1 : (int)count;
	}
	if (c->file >= 0 && c->left > 0) {
		size_t most = allowed(c->left);
		if (most == 0) {
			c->want = WANT_TOKENS;
			c->moved_ms = peer.now_ms; /* the delay is ours */
			return 0;
		}
		ssize_t count = sendfile(c->fd, c->file, NULL, most);
		if (count == 0) return -1; /* the file became shorter */
		count = sent(c, count);
		if (count > 0) c->left -= count;
		return count > 0 ? 1 : (int)count;
	}
	if (c->file >= 0) {
		close(c->file);
		c->file = -1;
	}
	if (c->is_last || c->next == c->request.body_length) {
		shutdown(c->fd, SHUT_WR);
		connection_enter(c, CLOSING, WANT_INPUT);
		return 0;
	}
	begin_content(c);
	return c->out_sent < c->out_length;
}

void connection_answer(struct connection *c)
{
	int more = 1;
	c->want = WANT_OUTPUT;
	for (int steps = 0; more > 0 && steps < MAX_STEPS; steps++) more = send_some(c);
	if (more < 0) connection_drop(c);
}
