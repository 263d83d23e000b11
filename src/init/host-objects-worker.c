/* The threads that cut the stream of fetched contents, hash and write them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "host-objects.h"

void objects_fail(const char *what, const char *hex, const char *joint, const char *reason)
{
	pthread_mutex_lock(&objects.lock);
	if (!objects.is_failed) snprintf(objects.fault, sizeof objects.fault, "%s %.16s…%s%s", what, hex, joint, reason);
	objects.is_failed = 1;
	pthread_cond_broadcast(&objects.changed);
	pthread_mutex_unlock(&objects.lock);
}

static int write_all(int file, const uint8_t *bytes, size_t length)
{
	while (length > 0) {
		ssize_t count = write(file, bytes, length);
		if (count < 0 && errno == EINTR) continue;
		if (count < 0) return -1;
		bytes += count;
		length -= (size_t)count;
	}
	return 0;
}

/* Closes a content that is whole; it gets its name only if it has its hash. */
static int finish(struct worker *w, struct content *c)
{
	uint8_t digest[SHA512_BYTES];
	char hex[HEX_DIGITS + 1];
	SHA512_Final(digest, &w->sum);
	hash_hex(digest, SHA512_BYTES, hex);
	if (strcmp(hex, c->hex)) {
		char found[64];
		snprintf(found, sizeof found, "%.16s…; it is damaged or forged", hex);
		draft_drop(w);
		pthread_mutex_lock(&objects.lock);
		if (!objects.is_failed) memcpy(objects.forged, c->hex, sizeof objects.forged);
		pthread_mutex_unlock(&objects.lock);
		objects_fail("fetched object: expected SHA-512", c->hex, ", found ", found);
		return -1;
	}
	char draft[PATH_BYTES], path[PATH_BYTES];
	draft_path(c, draft);
	content_path(c, path);
	int result = close(w->file);
	w->file = -1;
	if (result == 0) result = renameat(objects.directory, draft, objects.directory, path);
	if (result < 0) objects_fail("write object", c->hex, ": ", strerror(errno));
	return result;
}

/* Takes the part of a content that is in a chunk. */
static int take_part(struct worker *w, struct content *c, const struct chunk *k)
{
	uint64_t chunk_end = k->start + k->length;
	uint64_t from = c->start > k->start ? c->start : k->start, to = c->end < chunk_end ? c->end : chunk_end;
	if (from == c->start) {
		int is_continued = objects.is_continuing && c == objects.contents;
		w->open = c;
		w->done = 0;
		SHA512_Init(&w->sum);
		if ((w->file = is_continued ? draft_open_kept(w, c) : draft_create(c)) < 0) {
			objects_fail("write object", c->hex, ": ", strerror(errno));
			return -1;
		}
	}
	const uint8_t *bytes = k->bytes + (from - k->start);
	SHA512_Update(&w->sum, bytes, (size_t)(to - from));
	if (write_all(w->file, bytes, (size_t)(to - from)) < 0) {
		int reason = errno;
		draft_drop(w);
		objects_fail("write object", c->hex, ": ", strerror(reason));
		return -1;
	}
	w->done += to - from;
	return to < c->end ? 0 : finish(w, c);
}

static void take_chunk(struct worker *w, const struct chunk *k)
{
	for (size_t i = k->first; i < objects.count && objects.contents[i].start < k->start + k->length; i++) {
		if (take_part(w, &objects.contents[i], k) < 0) return;
		if (w->file >= 0) return;
		pthread_mutex_lock(&objects.lock);
		objects.contents[i].is_stored = 1;
		pthread_mutex_unlock(&objects.lock);
	}
}

/* The first chunk that this worker may take; it is taken from the queue. */
static struct chunk *next_chunk(const struct worker *w)
{
	struct chunk *before = NULL;
	for (struct chunk *k = objects.first; k; before = k, k = k->next) {
		if (k->worker >= 0 && k->worker != w->number) continue;
		if (before) before->next = k->next;
		else objects.first = k->next;
		if (objects.last == k) objects.last = before;
		return k;
	}
	return NULL;
}

void *objects_work(void *argument)
{
	struct worker *w = argument;
	pthread_mutex_lock(&objects.lock);
	for (;;) {
		/* A worker in the middle of a content takes only what continues it, which comes to it alone. */
		struct chunk *k = next_chunk(w);
		if (!k && objects.is_ending) break;
		if (!k) {
			pthread_cond_wait(&objects.changed, &objects.lock);
			continue;
		}
		int failed = objects.is_failed;
		pthread_mutex_unlock(&objects.lock);
		if (!failed) take_chunk(w, k);
		pthread_mutex_lock(&objects.lock);
		k->next = objects.free;
		objects.free = k;
		pthread_cond_broadcast(&objects.changed);
	}
	pthread_mutex_unlock(&objects.lock);
	return NULL;
}
