/* Shared by the files of the program that serves this machine's fetched contents to other machines (host-peer.c). */
#ifndef HOST_PEER_H
#define HOST_PEER_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

enum { PEER_HEX = 128, PEER_LINE = PEER_HEX + 1, PEER_HASHES = 512, PEER_HEAD = 2048, PEER_KEY = 32,
       PEER_BODY = PEER_HASHES * PEER_LINE, PEER_REQUEST = PEER_HEAD + PEER_BODY };

/* A request as it stands in its connection's buffer. */
struct peer_request {
	uint8_t mac[PEER_KEY];
	const uint8_t *body;
	size_t body_length;
	uint64_t from, to; /* the first content is wanted from this byte on, and up to the one before `to`; 0: to its end */
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
/* What a process may read, as its only mount, where that is mounted, and the user that it becomes. */
struct peer_place {
	const char *source, *at;
	enum { PEER_OPENER = 65532, PEER_SERVER = 65533 } user;
};
/* Gives up all but reading beneath the place; returns its directory, or -1 and errno, and names the call that failed. */
int peer_enter(struct peer_place place, const char **failed);

/* Between the program and the process that opens files for it (host-peer-tree.c). */
struct peer_question {
	uint32_t number;
	char hex[PEER_HEX];
};
struct peer_answer {
	uint32_t number;
	uint32_t is_there;
};
/* Starts that process, with the least priority for both; returns the way to it, or -1 and errno. */
int peer_start_opener(const char *directory, const char *root, const char *table);
/* Asks for a content; 0 if nobody answers any more. */
int peer_ask_opener(int opener, uint32_t number, const char *hex);
/* Takes the next answer: a descriptor at the beginning of the file, or -1 if the content is not there. 0 if there is no answer. */
int peer_take_answer(int opener, uint32_t *number, int *fd);
/* Whether nobody wants to write to such a file; SIGIO says that someone may. */
int peer_may_send(int fd);

/* Where contents are opened: the directory of the agent's store, and the way to the opener or -1. */
struct peer_sources {
	int store, opener;
};
/* Serves for ever; `signals` are those that are blocked while it waits, among them not SIGIO. */
_Noreturn void peer_serve(int listener, struct peer_sources sources, const sigset_t *signals);

/*
 * Listens on ADDRESS PORT, prints the port, and serves DIRECTORY/objects until standard input ends; with ROOT and TABLE also the
 * contents of the table out of the files below the root.
 */
int peer_main(int argc, char **argv);

#endif
