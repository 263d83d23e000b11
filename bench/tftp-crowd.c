/*
 * A crowd of TFTP clients in one thread: tftp-crowd SERVER FIRST-CLIENT-ADDRESS CLIENTS FILE BYTES WINDOW LOSS SEED
 * SECONDS
 * Each client has its own address, counted from the first, and fetches FILE once (RFC 1350, 2347-2349, 7440) as
 * firmware does: blksize 1468, one ACK per window, ACK of the last good block when one is missing, its own
 * retransmission after one second. LOSS percent of the packets are dropped, in both directions, the same ones for the
 * same SEED. Prints "SECONDS CLIENTS-DONE BYTES PACKETS-RECEIVED"; it stops after SECONDS, finished or not. It is small
 * and written in C, so that the servers are what is measured.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct client {
	int fd, started, done, since_ack;
	struct sockaddr_in peer;
	uint32_t expected;
	uint64_t bytes;
	double due;
};

static struct sockaddr_in server;
static const char *file;
static int window, done_count;
static uint64_t wanted, received;
static uint32_t loss_limit, state;

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int lost(void) {
	if (loss_limit == 0) return 0;
	state = state * 1664525u + 1013904223u;
	return (state >> 8) % 10000 < loss_limit;
}

static void request(struct client *c) {
	char packet[512];
	int length = 2;
	packet[0] = 0; packet[1] = 1;
	length += sprintf(packet + length, "%s", file) + 1;
	length += sprintf(packet + length, "octet") + 1;
	length += sprintf(packet + length, "blksize") + 1;
	length += sprintf(packet + length, "1468") + 1;
	if (window > 1) {
		length += sprintf(packet + length, "windowsize") + 1;
		length += sprintf(packet + length, "%d", window) + 1;
	}
	if (!lost()) sendto(c->fd, packet, length, 0, (void *)&server, sizeof server);
}

static void acknowledge(struct client *c) {
	uint32_t block = c->expected - 1;
	uint8_t packet[4] = { 0, 4, block >> 8, block };
	c->since_ack = 0;
	if (!lost()) sendto(c->fd, packet, 4, 0, (void *)&c->peer, sizeof c->peer);
}

static int block_bytes = 512, granted_window = 1;

static void receive(struct client *c, const uint8_t *packet, int length, struct sockaddr_in *from) {
	if (c->done || length < 4 || packet[0] != 0) return;
	if (c->started && from->sin_port != c->peer.sin_port) return;
	if (packet[1] == 5) { fprintf(stderr, "ERROR %d: %s\n", packet[3], packet + 4); exit(2); }
	c->peer = *from;
	if (packet[1] == 6 && !c->started) {
		/* The same server grants all clients the same. */
		granted_window = 1;
		for (int at = 2; at < length;) {
			const char *name = (const char *)packet + at;
			at += strlen(name) + 1;
			const char *value = (const char *)packet + at;
			at += strlen(value) + 1;
			if (strcasecmp(name, "blksize") == 0) block_bytes = atoi(value);
			if (strcasecmp(name, "windowsize") == 0) granted_window = atoi(value);
		}
	}
	if (packet[1] == 6) {
		if (c->expected == 1) { c->started = 1; c->due = now() + 1; acknowledge(c); }
		return;
	}
	if (packet[1] != 3) return;
	c->started = 1;
	uint32_t block = packet[2] << 8 | packet[3];
	if (block != (c->expected & 0xffff)) {
		/* As EDK2: every block out of order is answered with the last good one. */
		acknowledge(c);
		return;
	}
	c->expected++;
	c->since_ack++;
	c->bytes += length - 4;
	c->due = now() + 1;
	if (length - 4 < block_bytes) {
		acknowledge(c);
		if (c->bytes != wanted) { fprintf(stderr, "expected %llu bytes, found %llu\n", (unsigned long long)wanted, (unsigned long long)c->bytes); exit(2); }
		c->done = 1;
		done_count++;
		return;
	}
	if (c->since_ack >= granted_window) acknowledge(c);
}

int main(int argc, char **argv) {
	if (argc != 10) return 2;
	int count = atoi(argv[3]);
	file = argv[4];
	wanted = strtoull(argv[5], NULL, 10);
	window = atoi(argv[6]);
	loss_limit = atof(argv[7]) * 100;
	state = strtoul(argv[8], NULL, 10);
	double limit = atof(argv[9]);
	server.sin_family = AF_INET;
	server.sin_port = htons(69);
	inet_pton(AF_INET, argv[1], &server.sin_addr);
	struct in_addr first;
	inet_pton(AF_INET, argv[2], &first);
	struct client *clients = calloc(count, sizeof *clients);
	int poll = epoll_create1(0);
	double begun = now();
	for (int i = 0; i < count; i++) {
		struct client *c = &clients[i];
		c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		int buffer = 1 << 20;
		setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
		struct sockaddr_in own = { .sin_family = AF_INET };
		own.sin_addr.s_addr = htonl(ntohl(first.s_addr) + i);
		if (bind(c->fd, (void *)&own, sizeof own) != 0) { perror("bind"); return 2; }
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
		epoll_ctl(poll, EPOLL_CTL_ADD, c->fd, &event);
		c->expected = 1;
		c->due = now() + 1;
		request(c);
	}
	static uint8_t packet[65536];
	double looked = now();
	while (done_count < count && now() - begun < limit) {
		struct epoll_event events[64];
		int ready = epoll_wait(poll, events, 64, 50);
		for (int i = 0; i < ready; i++) {
			struct client *c = events[i].data.ptr;
			struct sockaddr_in from;
			socklen_t size = sizeof from;
			int length;
			while ((length = recvfrom(c->fd, packet, sizeof packet - 1, 0, (void *)&from, &size)) >= 0) {
				received++;
				packet[length] = 0;
				if (!lost()) receive(c, packet, length, &from);
				size = sizeof from;
			}
		}
		double t = now();
		if (t - looked < 0.05) continue;
		looked = t;
		for (int i = 0; i < count; i++) {
			struct client *c = &clients[i];
			if (c->done || t < c->due) continue;
			c->due = t + 1;
					if (c->started) acknowledge(c); else request(c);
		}
	}
	uint64_t bytes = 0;
	for (int i = 0; i < count; i++) bytes += clients[i].bytes;
	printf("%.4f %d %llu %llu\n", now() - begun, done_count, (unsigned long long)bytes, (unsigned long long)received);
	return 0;
}
