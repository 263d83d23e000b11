/* Shared by the files that store fetched contents: host-objects.c and its neighbours. */
#ifndef HOST_OBJECTS_H
#define HOST_OBJECTS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include "host-hash.h"

enum { CHUNK_BYTES = 1 << 20, MAX_WORKERS = 4, HEX_DIGITS = SHA512_HEX, PATH_BYTES = HEX_DIGITS + 32 };

struct content {
	char hex[HEX_DIGITS + 1];
	uint64_t start, end; /* in the stream */
	int is_stored;
};

/* Part of the stream; `first` is the first content that ends behind its begin. */
struct chunk {
	uint64_t start;
	size_t length, first;
	int worker; /* the one that has the beginning of its first content, or -1 for any */
	struct chunk *next;
	uint8_t bytes[CHUNK_BYTES];
};

struct worker {
	pthread_t thread;
	int number, file; /* of the content whose end is in a later chunk, or -1 */
	const struct content *open;
	uint64_t done; /* bytes of it that are written and in the sum */
	SHA512_CTX sum;
};

/*
 * The beginning of a content whose stream broke: its draft, and the hash so far. The next session may continue it. A draft that an
 * earlier process left is hashed before it is taken (objectsAdopt): whatever it has, only the hash of the whole counts.
 */
struct kept_draft {
	int directory; /* -1: nothing is kept */
	char hex[HEX_DIGITS + 1], draft[PATH_BYTES];
	uint64_t bytes;
	SHA512_CTX sum;
};
extern struct kept_draft kept_draft;

/* One session at a time; everything but `filling` is guarded by the lock once the threads run. */
struct objects_session {
	int is_open, directory, workers, is_ending, is_failed;
	int is_continuing; /* the first content goes on where `kept_draft` ends */
	size_t count, next; /* next: the first content whose end has not been received */
	uint64_t received;
	struct content *contents;
	struct chunk *free, *first, *last, *filling;
	struct worker pool[MAX_WORKERS];
	int pinned; /* the worker that gets the next chunk, or -1 */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	char fault[256], forged[HEX_DIGITS + 1]; /* forged: the content whose hash was another one, or empty */
};
extern struct objects_session objects;

/* Ends the session with the first fault: `WHAT HEX…JOINTREASON`. */
void objects_fail(const char *what, const char *hex, const char *joint, const char *reason);
/* A thread: takes chunks until the session ends. */
void *objects_work(void *worker);

/* `aa/REST`, below the directory. */
void content_path(const struct content *c, char path[PATH_BYTES]);
/* The same while it is not verified: nobody takes it for the whole. A content that is listed twice is written by two threads. */
void draft_path(const struct content *c, char path[PATH_BYTES]);
/* Makes the draft of a content; a descriptor, or -1 and errno. */
int draft_create(const struct content *c);
/* Opens the draft that is kept, if it is the one of a content; its hash goes on. */
int draft_open_kept(struct worker *w, const struct content *c);
/* The draft that is kept becomes that of the first content, before a thread could make another one of this name. */
void draft_take_over(void);
/* Removes the draft that is kept. */
void draft_forget(void);
/* Removes the content that is open. */
void draft_drop(struct worker *w);
/* Keeps the beginning of the content that is open. */
void draft_keep(struct worker *w);

#endif
