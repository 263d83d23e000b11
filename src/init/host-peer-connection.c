/* A connection of another machine: its state, and the bytes of its answer that are not of a file. */
#include <stdio.h>
#include <unistd.h>
#include "host-peer-connection.h"

struct peer_state peer = { .opener = -1 };

void connection_drop(struct connection *c)
{
	if (c->file >= 0) close(c->file);
	if (c->found >= 0) close(c->found);
	close(c->fd);
	c->state = FREE;
}

void connection_enter(struct connection *c, enum state state, enum want want)
{
	c->state = state;
	c->want = want;
	c->began_ms = c->moved_ms = peer.now_ms;
}

void connection_print(struct connection *c, const char *text)
{
	c->out_sent = 0;
	c->out_length = (size_t)snprintf(c->out, sizeof c->out, "%s", text);
}
