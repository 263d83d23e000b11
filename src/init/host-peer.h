/* Shared by the files of the program that serves this machine's fetched contents to other machines (host-peer.c). */
#ifndef HOST_PEER_H
#define HOST_PEER_H

#include <stddef.h>
#include <stdint.h>

enum { PEER_HEX = 128, PEER_LINE = PEER_HEX + 1, PEER_HASHES = 512, PEER_HEAD = 2048, PEER_KEY = 32,
       PEER_BODY = PEER_HASHES * PEER_LINE, PEER_REQUEST = PEER_HEAD + PEER_BODY };

/* A request as it stands in its connection's buffer. */
struct peer_request {
	uint8_t mac[PEER_KEY];
	const uint8_t *body;
	size_t body_length;
};

/* The keys that a request may be authenticated with: none, one, or one and its predecessor. */
struct peer_keys {
	int count;
	uint8_t bytes[2][PEER_KEY];
};

/* 0: more bytes are needed. 200: a whole request. Otherwise the status of a refusal. */
int peer_read_request(const uint8_t *bytes, size_t length, struct peer_request *request);
/* Whether the MAC is that of the body under one of the keys; takes the same time for every wrong MAC. */
int peer_is_authentic(const struct peer_request *request, const struct peer_keys *keys);
/* Whether the body is hashes, one a line. */
int peer_has_hashes(const struct peer_request *request);
/* Reads `LIMIT KEY FORMER`, each key as 64 hexadecimal digits or `-`; 0 if it is something else. */
int peer_read_settings(const char *line, uint64_t *bytes_per_second, struct peer_keys *keys);
/* Gives up all but reading beneath the directory; returns it, or -1 and errno, and names the call that failed. */
int peer_enter(const char *directory, const char **failed);
/* Listens on ADDRESS PORT, prints the port, and serves DIRECTORY/objects until standard input ends. */
int peer_main(int argc, char **argv);

#endif
