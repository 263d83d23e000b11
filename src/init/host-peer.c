/*
 * The program that serves this machine's fetched contents to other machines, until its agent ends. `POST /objects` with
 * hashes, one a line, is answered with `HEX LENGTH` and the content for each, in that order; with a header `birther-from: N`,
 * the first one with `HEX LENGTH N` and what it has from byte N on; with `birther-to: M`, up to the byte before M. A content that
 * another fetch may still bring is waited for: `HEX ?` each second, and in the end `HEX -`, behind which nothing comes. A machine
 * that serves the files of its system does not fetch: `HEX !` says that it does not have the content. One process, one
 * thread, one poll; files of the system are opened by another process (host-peer-tree.c).
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "host-peer-connection.h"

enum { MAX_CONNECTIONS = 16, MAX_OF_ADDRESS = 4, REQUEST_MS = 5000, STALL_MS = 10000, TOTAL_MS = 600000, CLOSE_MS = 2000,
       TURN_MS = 1000, LOOK_MS = 50, THROTTLE_MS = 5 };

static struct connection connections[MAX_CONNECTIONS];
static int listener;
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

static void read_request(struct connection *c)
{
	ssize_t count = recv(c->fd, c->bytes + c->filled, sizeof c->bytes - c->filled, 0);
	if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
	if (count <= 0) {
		connection_drop(c);
		return;
	}
	c->filled += (size_t)count;
	int status = peer_read_request(c->bytes, c->filled, &c->request);
	if (status == 0) return;
	if (status == 200 && !peer_is_authentic(&c->request, &peer.keys)) status = 401;
	if (status == 200 && !peer_has_hashes(&c->request)) status = 400;
	if (status != 200) {
		connection_refuse(c, status);
		return;
	}
	connection_print(c, "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\nconnection: close\r\n\r\n");
	connection_enter(c, SENDING, WANT_OUTPUT);
}

/* Reads what a client still sends, so that its end of the connection does not lose the answer. */
static void drain(struct connection *c)
{
	ssize_t count = recv(c->fd, c->bytes, sizeof c->bytes, 0);
	if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) connection_drop(c);
}

static int is_late(const struct connection *c)
{
	int64_t age = peer.now_ms - c->began_ms;
	switch (c->state) {
	case READING: return age > REQUEST_MS;
	case SENDING: return age > TOTAL_MS || peer.now_ms - c->moved_ms > STALL_MS;
	case CLOSING: return age > CLOSE_MS;
	default: return 0;
	}
}

static void step(struct connection *c, short events)
{
	if (is_late(c) || events & (POLLERR | POLLHUP) || (c->state == SENDING && events & POLLRDHUP)) {
		connection_drop(c);
		return;
	}
	if (c->state == READING && events & POLLIN) read_request(c);
	else if (c->state == CLOSING && events & POLLIN) drain(c);
	if (c->state == SENDING && (c->want != WANT_OUTPUT || events & POLLOUT)) connection_answer(c);
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
	if (oldest) connection_drop(oldest);
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
		connection_enter(c, READING, WANT_INPUT);
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
		if (!peer_read_settings(line, &peer.bytes_per_second, &peer.keys)) exit(1);
		filled -= (size_t)(end + 1 - line);
		memmove(line, end + 1, filled);
	}
	if (filled == sizeof line - 1) exit(1);
	for (struct connection *c = connections; peer.keys.count == 0 && c < connections + MAX_CONNECTIONS; c++)
		if (c->state != FREE) connection_drop(c);
}

/* Takes what the opener has found. Without it, this program is of no use: the agent starts another one. */
static void take_answers(void)
{
	uint32_t number;
	int fd, answers = 0;
	for (; peer_take_answer(peer.opener, &number, &fd); answers++) {
		struct connection *c = connections;
		while (c < connections + MAX_CONNECTIONS && (c->state != SENDING || c->question != number)) c++;
		if (c == connections + MAX_CONNECTIONS || c->found >= 0) {
			if (fd >= 0) close(fd);
			continue;
		}
		c->found = fd;
		c->lacks = fd < 0;
		connection_answer(c);
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
			connection_drop(c);
}

void peer_serve(int from, struct peer_sources sources, const sigset_t *signals)
{
	struct sigaction action = { .sa_handler = note_break };
	listener = from;
	peer.store = sources.store;
	peer.opener = sources.opener;
	peer.filled_ms = peer.now_ms = monotonic_ms();
	sigaction(SIGIO, &action, NULL);
	enum { FIRST = 3 };
	struct pollfd ready[FIRST + MAX_CONNECTIONS] = { { .fd = listener, .events = POLLIN },
	                                                 { .fd = STDIN_FILENO, .events = POLLIN },
	                                                 { .fd = peer.opener, .events = POLLIN } };
	for (unsigned turn = 0;; turn++) {
		int timeout = TURN_MS;
		for (int i = 0; i < MAX_CONNECTIONS; i++) {
			struct connection *c = &connections[i];
			int until = c->state != SENDING ? TURN_MS : c->want == WANT_OBJECT ? LOOK_MS :
			            c->want == WANT_TOKENS ? THROTTLE_MS : TURN_MS;
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
		peer.now_ms = monotonic_ms();
		connection_add_tokens();
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
