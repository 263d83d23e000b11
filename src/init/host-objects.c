/*
 * Fetched contents, for the module `host`: JavaScript feeds their bytes, one content after the other, and threads cut, hash and write
 * them meanwhile. The list of contents comes from the MDB; the bytes may be anything. Memory: CHUNKS of 1 MiB.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "host.h"
#include "host-objects.h"

enum { CHUNKS = 8 };
static const double MAX_STREAM = 9007199254740992.0; /* 2^53: offsets are whole in JavaScript, too */

struct objects_session objects = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

/* Lines `HEX SIZE`, in the order of the stream, which has `begun` bytes less of the first. 0 if a line is something else. */
static int read_plan(const char *text, double begun)
{
	uint64_t at = 0;
	size_t lines = 0;
	for (const char *c = text; *c; c++) lines += *c == '\n';
	objects.contents = calloc(lines + 1, sizeof *objects.contents);
	if (!objects.contents) return 0;
	for (objects.count = 0; *text; objects.count++) {
		struct content *c = &objects.contents[objects.count];
		unsigned long long size;
		int used = 0;
		if (sscanf(text, "%128[0-9a-f] %15llu%n", c->hex, &size, &used) != 2 || strlen(c->hex) != HEX_DIGITS ||
		    text[used] != '\n' || size == 0 || (double)at + (double)size > MAX_STREAM)
			return 0;
		if (objects.count == 0 && begun > 0) {
			if (strcmp(c->hex, kept_draft.hex) || begun >= (double)size) return 0;
			size -= (unsigned long long)begun;
		}
		c->start = at;
		at = c->end = c->start + size;
		text += used + 1;
	}
	return objects.count > 0;
}

static void release(void)
{
	for (struct chunk *k; (k = objects.free); free(k)) objects.free = k->next;
	free(objects.filling);
	free(objects.contents);
	if (objects.directory >= 0) close(objects.directory);
	objects.filling = NULL;
	objects.contents = NULL;
	objects.is_open = 0;
}

static void end_workers(void)
{
	pthread_mutex_lock(&objects.lock);
	objects.is_ending = 1;
	pthread_cond_broadcast(&objects.changed);
	pthread_mutex_unlock(&objects.lock);
	for (int i = 0; i < objects.workers; i++) pthread_join(objects.pool[i].thread, NULL);
	for (int i = 0; i < objects.workers; i++) {
		struct worker *w = &objects.pool[i];
		if (w->file < 0) continue;
		/* What came before it is stored: it is the only one that is open. */
		if (!objects.is_failed && kept_draft.directory < 0) draft_keep(w);
		else draft_drop(w);
	}
}

static JSValue objects_begin(JSContext *ctx, const struct argument *a)
{
	if (objects.is_open) return host_throw(ctx, "objectsBegin: the former session is open");
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int wanted = cpus < 1 ? 1 : cpus > MAX_WORKERS ? MAX_WORKERS : (int)cpus;
	objects.free = objects.first = objects.last = objects.filling = NULL;
	objects.workers = objects.is_ending = objects.is_failed = 0;
	objects.next = objects.count = 0;
	objects.received = 0;
	objects.pinned = -1;
	objects.directory = -1;
	objects.forged[0] = 0;
	objects.is_continuing = a[2].number > 0;
	if (objects.is_continuing && (kept_draft.directory < 0 || a[2].number != (double)kept_draft.bytes))
		return host_throw(ctx, "objectsBegin: expected the number of bytes that are kept");
	if (!read_plan(a[1].text, a[2].number)) {
		release();
		return host_throw(ctx, "objectsBegin: expected lines of a SHA-512 and a size");
	}
	if (objects.is_continuing) draft_take_over();
	else draft_forget();
	objects.directory = fcntl((int)a[0].number, F_DUPFD_CLOEXEC, 0);
	int is_ready = objects.directory >= 0;
	for (int i = 0; i < CHUNKS && is_ready; i++) {
		struct chunk *k = malloc(sizeof *k);
		is_ready = k != NULL;
		if (!k) break;
		k->next = objects.free;
		objects.free = k;
	}
	for (; is_ready && objects.workers < wanted; objects.workers++) {
		struct worker *w = &objects.pool[objects.workers];
		w->number = objects.workers;
		w->file = -1;
		if (pthread_create(&w->thread, NULL, objects_work, w)) break;
	}
	objects.is_open = 1;
	if (objects.workers > 0) return JS_UNDEFINED;
	release();
	return host_throw_errno(ctx, "objectsBegin");
}

/* Waits until a worker gives a chunk back. */
static struct chunk *free_chunk(void)
{
	pthread_mutex_lock(&objects.lock);
	while (!objects.free) pthread_cond_wait(&objects.changed, &objects.lock);
	struct chunk *k = objects.free;
	objects.free = k->next;
	pthread_mutex_unlock(&objects.lock);
	k->length = 0;
	k->next = NULL;
	return k;
}

/* Gives what is filled to a worker, cut after the last content that ends in it; the rest begins the next chunk. */
static void hand_over(void)
{
	struct chunk *k = objects.filling, *rest = NULL;
	uint64_t end = k->start + k->length, cut = 0;
	k->first = objects.next;
	k->worker = objects.pinned;
	while (objects.next < objects.count && objects.contents[objects.next].end <= end)
		cut = objects.contents[objects.next++].end;
	int is_begun = objects.next < objects.count && objects.contents[objects.next].start < end;
	if (is_begun && cut > 0) {
		rest = free_chunk();
		rest->start = cut;
		rest->length = (size_t)(end - cut);
		k->length -= rest->length;
		memcpy(rest->bytes, k->bytes + k->length, rest->length);
		is_begun = 0;
	}
	pthread_mutex_lock(&objects.lock);
	/* In the middle of a content: its other parts go to the same worker. */
	if (is_begun && objects.pinned < 0) k->worker = objects.pinned = (int)(objects.next % (size_t)objects.workers);
	if (!is_begun) objects.pinned = -1;
	if (objects.last) objects.last->next = k;
	else objects.first = k;
	objects.last = k;
	pthread_cond_broadcast(&objects.changed);
	pthread_mutex_unlock(&objects.lock);
	objects.filling = rest;
}

static int has_failed(void)
{
	pthread_mutex_lock(&objects.lock);
	int failed = objects.is_failed;
	pthread_mutex_unlock(&objects.lock);
	return failed;
}

static JSValue objects_feed(JSContext *ctx, const struct argument *a)
{
	const uint8_t *bytes = a[0].bytes;
	size_t left = a[0].length;
	if (!objects.is_open) return host_throw(ctx, "objectsFeed: no session is open");
	if (left > objects.contents[objects.count - 1].end - objects.received)
		return host_throw(ctx, "object server: expected %zu objects, found more bytes", objects.count);
	while (left > 0) {
		if (has_failed()) return host_throw(ctx, "%s", objects.fault);
		if (!objects.filling) {
			objects.filling = free_chunk();
			objects.filling->start = objects.received;
		}
		size_t room = CHUNK_BYTES - objects.filling->length, count = left < room ? left : room;
		memcpy(objects.filling->bytes + objects.filling->length, bytes, count);
		objects.filling->length += count;
		objects.received += count;
		bytes += count;
		left -= count;
		if (objects.filling->length == CHUNK_BYTES) hand_over();
	}
	return JS_UNDEFINED;
}

/* How many contents from the first on are stored; they are verified and written when this returns. */
static JSValue objects_end(JSContext *ctx, const struct argument *a)
{
	(void)a;
	if (!objects.is_open) return host_throw(ctx, "objectsEnd: no session is open");
	/* what is complete, then the beginning of the next content */
	while (objects.filling && objects.filling->length > 0) hand_over();
	end_workers();
	size_t stored = 0;
	while (stored < objects.count && objects.contents[stored].is_stored) stored++;
	int failed = objects.is_failed;
	release();
	return failed ? host_throw(ctx, "%s", objects.fault) : JS_NewFloat64(ctx, (double)stored);
}

static JSValue objects_kept(JSContext *ctx, const struct argument *a)
{
	int is_kept = kept_draft.directory >= 0 && !strcmp(kept_draft.hex, a[0].text);
	return JS_NewFloat64(ctx, is_kept ? (double)kept_draft.bytes : 0);
}

static JSValue objects_forged(JSContext *ctx, const struct argument *a)
{
	(void)a;
	pthread_mutex_lock(&objects.lock);
	JSValue result = JS_NewString(ctx, objects.forged);
	pthread_mutex_unlock(&objects.lock);
	return result;
}

/* Keeps a draft of an earlier process, of which the caller has hashed all bytes. */
static JSValue objects_adopt(JSContext *ctx, const struct argument *a)
{
	const char *hex = a[1].text, *draft = a[2].text;
	if (objects.is_open) return host_throw(ctx, "objectsAdopt: a session is open");
	if (strlen(hex) != HEX_DIGITS || strlen(draft) >= PATH_BYTES || !(a[3].number >= 1 && a[3].number <= MAX_STREAM) ||
	    a[4].length != sizeof(SHA512_CTX))
		return host_throw(ctx, "objectsAdopt: expected a SHA-512, a draft, its size and the state of its hash");
	int directory = fcntl((int)a[0].number, F_DUPFD_CLOEXEC, 0);
	if (directory < 0) return host_throw_errno(ctx, "objectsAdopt");
	if (kept_draft.directory >= 0 && !strcmp(kept_draft.draft, draft)) close(kept_draft.directory);
	else draft_forget();
	kept_draft.directory = directory;
	memcpy(kept_draft.hex, hex, HEX_DIGITS + 1);
	memcpy(kept_draft.draft, draft, strlen(draft) + 1);
	kept_draft.bytes = (uint64_t)a[3].number;
	memcpy(&kept_draft.sum, a[4].bytes, sizeof kept_draft.sum);
	return JS_UNDEFINED;
}

static JSValue objects_forget(JSContext *ctx, const struct argument *a)
{
	(void)a;
	if (objects.is_open) return host_throw(ctx, "objectsForget: a session is open");
	draft_forget();
	return JS_UNDEFINED;
}

const struct host_entry objects_entries[] = {
	{ "objectsBegin", "nsn", objects_begin },
	{ "objectsFeed", "r", objects_feed },
	{ "objectsEnd", "", objects_end },
	{ "objectsKept", "s", objects_kept },
	{ "objectsAdopt", "nssnb", objects_adopt },
	{ "objectsForged", "", objects_forged },
	{ "objectsForget", "", objects_forget },
	{ NULL, NULL, NULL },
};
