/*
 * The program that serves this machine's fetched contents to other machines, until its agent ends. `POST /objects` with
 * hashes, one a line, is answered with `HEX LENGTH` and the content for each, in that order; with a header `birther-from: N`,
 * the first one with `HEX LENGTH N` and what it has from byte N on; with `birther-to: M`, up to the byte before M. A content that
 * another fetch may still bring is waited for: `HEX ?` each second, and in the end `HEX -`, behind which nothing comes. A machine
 * that serves the files of its system does not fetch: `HEX !` says that it does not have the content. One process, one
 * thread, one poll; files of the system are opened by another process (host-peer-tree.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "host-peer.h"

enum { MAX_CONNECTIONS = 16, MAX_OF_ADDRESS = 4, SLICE = 1 << 18, LEAST_SLICE = 1 << 14, MAX_STEPS = 64,
       REQUEST_MS = 5000, STALL_MS = 10000, TOTAL_MS = 600000, CLOSE_MS = 2000, WAIT_MS = 10000, MARK_MS = 1000,
       LOOK_MS = 50, THROTTLE_MS = 5, BURSTS_PER_SECOND = 8 };

enum state { FREE, READING, SENDING, CLOSING };
enum want { WANT_INPUT, WANT_OUTPUT, WANT_OBJECT, WANT_TOKENS };

struct connection {
	enum state state;
	enum want want;
	int fd, file;
	in_addr_t address;
	int64_t began_ms, moved_ms; /* when the state began; the latest progress */
	int64_t missing_ms, marked_ms; /* since when the next content is missing, 0 if it is not; the latest `HEX ?` */
	int is_last; /* behind `out` nothing comes */
	uint32_t question; /* to the opener; 0 if none was asked for the next content */
	int found, is_of_tree, lacks; /* its answer: a file, or that the content is not there; whether `file` is of the system */
	size_t filled, next; /* bytes of the request; the next hash in its body */
	off_t left; /* of the file */
	char out[256];
	size_t out_length, out_sent;
	struct peer_request request;
	uint8_t bytes[PEER_REQUEST + 1];
};

static struct connection connections[MAX_CONNECTIONS];
static struct peer_keys keys;
static uint64_t bytes_per_second; /* 0: as fast as it goes */
static double tokens;
static int64_t now_ms, filled_ms; /* filled_ms: when tokens were added last */
static int store, listener, opener = -1;
static volatile sig_atomic_t is_breaking; /* someone may want to write to a file that is sent */

static void note_break(int signal)
{
	(void)signal;
	is_breaking = 1;
}

static int64_t monotonic_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One bucket for all connections. */
static void add_tokens(void)
{
	double most = (double)bytes_per_second / BURSTS_PER_SECOND;
	if (most < LEAST_SLICE) most = LEAST_SLICE;
	tokens += (double)bytes_per_second * (double)(now_ms - filled_ms) / 1000;
	if (tokens > most) tokens = most;
	filled_ms = now_ms;
}

/* How many of these bytes may be sent now. */
static size_t allowed(off_t bytes)
{
	size_t wanted = bytes < SLICE ? (size_t)bytes : SLICE;
	if (bytes_per_second == 0) return wanted;
	if (tokens < (double)(wanted < LEAST_SLICE ? wanted : LEAST_SLICE)) return 0;
	return (double)wanted < tokens ? wanted : (size_t)tokens;
}

static void drop(struct connection *c)
{
	if (c->file >= 0) close(c->file);
	if (c->found >= 0) close(c->found);
	close(c->fd);
	c->state = FREE;
}

static void enter(struct connection *c, enum state state, enum want want)
{
	c->state = state;
	c->want = want;
	c->began_ms = c->moved_ms = now_ms;
}

static void print(struct connection *c, const char *text)
{
	c->out_sent = 0;
	c->out_length = (size_t)snprintf(c->out, sizeof c->out, "%s", text);
}

static void refuse(struct connection *c, int status)
{
	char text[128];
	snprintf(text, sizeof text, "HTTP/1.1 %d refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", status);
	print(c, text);
	c->is_last = 1;
	enter(c, SENDING, WANT_OUTPUT);
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
		fd = (int)syscall(SYS_openat2, store, path, &how, sizeof how);
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
	if (c->file >= 0 || opener < 0 || c->question) return;
	if (++asked == 0) asked++;
	c->question = asked;
	c->lacks = !peer_ask_opener(opener, asked, hex);
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
		print(c, text);
		return;
	}
	if (!c->missing_ms) c->missing_ms = c->marked_ms = now_ms;
	c->is_last = c->lacks || now_ms - c->missing_ms >= WAIT_MS;
	c->want = WANT_OBJECT;
	c->moved_ms = now_ms; /* the limit is that of waiting */
	if (!c->is_last && now_ms - c->marked_ms < MARK_MS) return;
	c->marked_ms = now_ms;
	snprintf(text, sizeof text, "%s %c\n", hex, c->lacks ? '!' : c->is_last ? '-' : '?');
	print(c, text);
}

/* The bytes that a call sent; 0 if the socket is full, -1 if the connection is lost. */
static ssize_t sent(struct connection *c, ssize_t count)
{
	if (count < 0 && errno != EAGAIN && errno != EINTR) return -1;
	if (count < 0) {
		c->want = WANT_OUTPUT;
		return 0;
	}
	c->moved_ms = now_ms;
	if (bytes_per_second) tokens -= (double)count;
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
			c->moved_ms = now_ms; /* the delay is ours */
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
		enter(c, CLOSING, WANT_INPUT);
		return 0;
	}
	begin_content(c);
	return c->out_sent < c->out_length;
}

static void answer(struct connection *c)
{
	int more = 1;
	c->want = WANT_OUTPUT;
	for (int steps = 0; more > 0 && steps < MAX_STEPS; steps++) more = send_some(c);
	if (more < 0) drop(c);
}

static void read_request(struct connection *c)
{
	ssize_t count = recv(c->fd, c->bytes + c->filled, sizeof c->bytes - c->filled, 0);
	if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
	if (count <= 0) {
		drop(c);
		return;
	}
	c->filled += (size_t)count;
	int status = peer_read_request(c->bytes, c->filled, &c->request);
	if (status == 0) return;
	if (status == 200 && !peer_is_authentic(&c->request, &keys)) status = 401;
	if (status == 200 && !peer_has_hashes(&c->request)) status = 400;
	if (status != 200) {
		refuse(c, status);
		return;
	}
	print(c, "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\nconnection: close\r\n\r\n");
	enter(c, SENDING, WANT_OUTPUT);
}

/* Reads what a client still sends, so that its end of the connection does not lose the answer. */
static void drain(struct connection *c)
{
	ssize_t count = recv(c->fd, c->bytes, sizeof c->bytes, 0);
	if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) drop(c);
}

static int is_late(const struct connection *c)
{
	int64_t age = now_ms - c->began_ms;
	switch (c->state) {
	case READING: return age > REQUEST_MS;
	case SENDING: return age > TOTAL_MS || now_ms - c->moved_ms > STALL_MS;
	case CLOSING: return age > CLOSE_MS;
	default: return 0;
	}
}

static void step(struct connection *c, short events)
{
	if (is_late(c) || events & (POLLERR | POLLHUP) || (c->state == SENDING && events & POLLRDHUP)) {
		drop(c);
		return;
	}
	if (c->state == READING && events & POLLIN) read_request(c);
	else if (c->state == CLOSING && events & POLLIN) drain(c);
	if (c->state == SENDING && (c->want != WANT_OUTPUT || events & POLLOUT)) answer(c);
}

/*
 * A place for a connection. An address that has all of its places gets that of one whose answer is sent; a full table
 * gives that of the oldest one that has not proved to know a key.
 */
static struct connection *place_for(in_addr_t address)
{
	struct connection *place = NULL, *oldest = NULL, *answered = NULL;
	int same = 0;
	for (struct connection *c = connections; c < connections + MAX_CONNECTIONS; c++) {
		if (c->state == FREE) {
			place = c;
			continue;
		}
		if (c->address == address) {
			same++;
			if (c->state == CLOSING) answered = c;
		}
		if (c->state != SENDING && (!oldest || c->began_ms < oldest->began_ms)) oldest = c;
	}
	if (same >= MAX_OF_ADDRESS) oldest = answered;
	else if (place) return place;
	if (oldest) drop(oldest);
	return oldest;
}

static void accept_some(void)
{
	static const char full[] = "HTTP/1.1 503 full\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
	for (int i = 0; i < MAX_CONNECTIONS; i++) {
		struct sockaddr_in from;
		socklen_t length = sizeof from;
		int fd = accept4(listener, (struct sockaddr *)&from, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) return;
		struct connection *c = place_for(from.sin_addr.s_addr);
		if (!c) {
			send(fd, full, sizeof full - 1, MSG_NOSIGNAL);
			close(fd);
			continue;
		}
		memset(c, 0, offsetof(struct connection, bytes));
		c->fd = fd;
		c->file = c->found = -1;
		c->address = from.sin_addr.s_addr;
		enter(c, READING, WANT_INPUT);
	}
}

/* Takes the agent's settings; its end is ours, and so is a line that is none. */
static void take_settings(void)
{
	static char line[256];
	static size_t filled;
	ssize_t count = read(STDIN_FILENO, line + filled, sizeof line - filled - 1);
	if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
	if (count <= 0) exit(0);
	filled += (size_t)count;
	for (char *end; (end = memchr(line, '\n', filled));) {
		*end = 0;
		if (!peer_read_settings(line, &bytes_per_second, &keys)) exit(1);
		filled -= (size_t)(end + 1 - line);
		memmove(line, end + 1, filled);
	}
	if (filled == sizeof line - 1) exit(1);
	for (struct connection *c = connections; keys.count == 0 && c < connections + MAX_CONNECTIONS; c++)
		if (c->state != FREE) drop(c);
}

/* Takes what the opener has found. Without it, this program is of no use: the agent starts another one. */
static void take_answers(void)
{
	uint32_t number;
	int fd, answers = 0;
	for (; peer_take_answer(opener, &number, &fd); answers++) {
		struct connection *c = connections;
		while (c < connections + MAX_CONNECTIONS && (c->state != SENDING || c->question != number)) c++;
		if (c == connections + MAX_CONNECTIONS || c->found >= 0) {
			if (fd >= 0) close(fd);
			continue;
		}
		c->found = fd;
		c->lacks = fd < 0;
		answer(c);
	}
	if (answers == 0) exit(1);
}

/* Ends the transfers of files that someone wants to write to, who waits for that. */
static void give_back(void)
{
	is_breaking = 0;
	for (struct connection *c = connections; c < connections + MAX_CONNECTIONS; c++)
		if (c->state != FREE && ((c->is_of_tree && c->file >= 0 && !peer_may_send(c->file)) ||
		                         (c->found >= 0 && !peer_may_send(c->found))))
			drop(c);
}

void peer_serve(int from, struct peer_sources sources, const sigset_t *signals)
{
	struct sigaction action = { .sa_handler = note_break };
	listener = from;
	store = sources.store;
	opener = sources.opener;
	filled_ms = now_ms = monotonic_ms();
	sigaction(SIGIO, &action, NULL);
	enum { FIRST = 3 };
	struct pollfd ready[FIRST + MAX_CONNECTIONS] = { { .fd = listener, .events = POLLIN },
	                                                 { .fd = STDIN_FILENO, .events = POLLIN },
	                                                 { .fd = opener, .events = POLLIN } };
	for (unsigned turn = 0;; turn++) {
		int timeout = MARK_MS;
		for (int i = 0; i < MAX_CONNECTIONS; i++) {
			struct connection *c = &connections[i];
			int until = c->state != SENDING ? MARK_MS : c->want == WANT_OBJECT ? LOOK_MS :
			            c->want == WANT_TOKENS ? THROTTLE_MS : MARK_MS;
			ready[FIRST + i].fd = c->state == FREE ? -1 : c->fd;
			ready[FIRST + i].events = c->state != SENDING ? POLLIN :
			                      c->want == WANT_OUTPUT ? POLLOUT | POLLRDHUP : POLLRDHUP;
			ready[FIRST + i].revents = 0;
			if (c->state != FREE && until < timeout) timeout = until;
		}
		struct timespec wait = { timeout / 1000, timeout % 1000 * 1000000 };
		if (ppoll(ready, FIRST + MAX_CONNECTIONS, &wait, signals) < 0) {
			if (errno != EINTR) exit(1);
			for (int i = 0; i < FIRST + MAX_CONNECTIONS; i++) ready[i].revents = 0;
		}
		now_ms = monotonic_ms();
		add_tokens();
		if (is_breaking) give_back();
		/* another one first each time, so that all get their part of the limit */
		for (unsigned i = 0; i < MAX_CONNECTIONS; i++) {
			unsigned which = (turn + i) % MAX_CONNECTIONS;
			if (connections[which].state != FREE) step(&connections[which], ready[FIRST + which].revents);
		}
		if (ready[2].revents) take_answers();
		if (ready[1].revents) take_settings();
		if (ready[0].revents) accept_some();
	}
}
