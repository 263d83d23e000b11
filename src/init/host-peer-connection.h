/* Shared by the files that answer connections of other machines: host-peer.c and its neighbours. */
#ifndef HOST_PEER_CONNECTION_H
#define HOST_PEER_CONNECTION_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/types.h>
#include "host-peer.h"

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

/* What all connections share. */
struct peer_state {
	struct peer_keys keys;
	uint64_t bytes_per_second; /* 0: as fast as it goes */
	double tokens;
	int64_t now_ms, filled_ms; /* filled_ms: when tokens were added last */
	int store, opener;         /* opener: -1 if there is none */
};
extern struct peer_state peer;

void connection_drop(struct connection *c);
void connection_enter(struct connection *c, enum state state, enum want want);
/* The next bytes of the answer, before those of a file. */
void connection_print(struct connection *c, const char *text);
/* Sends a status without a body, and nothing behind it. */
void connection_refuse(struct connection *c, int status);
/* Sends what can be sent at once. */
void connection_answer(struct connection *c);
/* One bucket for all connections: adds what the time since the last call allows. */
void connection_add_tokens(void);

#endif
