/*
 * Fetched contents, for the module `host`: JavaScript feeds their bytes, one content after the other, and threads cut, hash and write
 * them meanwhile. The list of contents comes from the MDB; the bytes may be anything. Memory: CHUNKS of 1 MiB.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host.h"
#include "host-hash.h"

enum { CHUNK_BYTES = 1 << 20, CHUNKS = 8, MAX_WORKERS = 4, HEX_DIGITS = SHA512_HEX, PATH_BYTES = HEX_DIGITS + 32 };
static const double MAX_STREAM = 9007199254740992.0; /* 2^53: offsets are whole in JavaScript, too */

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
static struct {
	int directory; /* -1: nothing is kept */
	char hex[HEX_DIGITS + 1], draft[PATH_BYTES];
	uint64_t bytes;
	SHA512_CTX sum;
} kept = { .directory = -1 };

/* One session at a time; everything but `filling` is guarded by the lock once the threads run. */
static struct {
	int is_open, directory, workers, is_ending, is_failed;
	int is_continuing; /* the first content goes on where `kept` ends */
	size_t count, next; /* next: the first content whose end has not been received */
	uint64_t received;
	struct content *contents;
	struct chunk *free, *first, *last, *filling;
	struct worker pool[MAX_WORKERS];
	int pinned; /* the worker that gets the next chunk, or -1 */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	char fault[256], forged[HEX_DIGITS + 1]; /* forged: the content whose hash was another one, or empty */
} s = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void fail(const char *what, const char *hex, const char *joint, const char *reason)
{
	pthread_mutex_lock(&s.lock);
	if (!s.is_failed) snprintf(s.fault, sizeof s.fault, "%s %.16s…%s%s", what, hex, joint, reason);
	s.is_failed = 1;
	pthread_cond_broadcast(&s.changed);
	pthread_mutex_unlock(&s.lock);
}

/* `aa/REST`, below the directory. */
static void path_of(const struct content *c, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "%.2s/%s", c->hex, c->hex + 2);
}

/* The same while it is not verified: nobody takes it for the whole. A content that is listed twice is written by two threads. */
static void draft_of(const struct content *c, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "%.2s/%s.new%zu", c->hex, c->hex + 2, (size_t)(c - s.contents));
}

static int create(const struct content *c)
{
	char path[PATH_BYTES], directory[3] = { c->hex[0], c->hex[1], 0 };
	draft_of(c, path);
	for (int tries = 0;; tries++) {
		int file = openat(s.directory, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (file >= 0 || tries == 2) return file;
		/* the first content of its directory, or the draft of a killed agent */
		int is_mended = errno == ENOENT ? mkdirat(s.directory, directory, 0700) == 0 || errno == EEXIST
		                                : errno == EEXIST && unlinkat(s.directory, path, 0) == 0;
		if (!is_mended) return -1;
	}
}

/* Opens the draft that is kept, if it is the one of a content; its hash goes on. */
static int open_kept(struct worker *w, const struct content *c)
{
	char path[PATH_BYTES];
	struct stat draft;
	draft_of(c, path);
	int file = openat(s.directory, path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	if (file >= 0 && (fstat(file, &draft) < 0 || (uint64_t)draft.st_size != kept.bytes)) {
		close(file);
		errno = EIO;
		file = -1;
	}
	w->sum = kept.sum;
	w->done = kept.bytes;
	close(kept.directory);
	kept.directory = -1;
	return file;
}

/* The draft that is kept becomes that of the first content, before a thread could make another one of this name. */
static void take_over(void)
{
	char draft[PATH_BYTES];
	draft_of(s.contents, draft);
	if (renameat(kept.directory, kept.draft, kept.directory, draft) == 0) memcpy(kept.draft, draft, sizeof draft);
}

static void forget(void)
{
	if (kept.directory < 0) return;
	unlinkat(kept.directory, kept.draft, 0);
	close(kept.directory);
	kept.directory = -1;
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

/* Removes the content that is open. */
static void drop(struct worker *w)
{
	char path[PATH_BYTES];
	draft_of(w->open, path);
	if (w->file >= 0) close(w->file);
	w->file = -1;
	unlinkat(s.directory, path, 0);
}

/* Keeps the beginning of the content that is open. */
static void keep(struct worker *w)
{
	close(w->file);
	w->file = -1;
	memcpy(kept.hex, w->open->hex, sizeof kept.hex);
	draft_of(w->open, kept.draft);
	kept.bytes = w->done;
	kept.sum = w->sum;
	kept.directory = fcntl(s.directory, F_DUPFD_CLOEXEC, 0);
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
		drop(w);
		pthread_mutex_lock(&s.lock);
		if (!s.is_failed) memcpy(s.forged, c->hex, sizeof s.forged);
		pthread_mutex_unlock(&s.lock);
		fail("fetched object: expected SHA-512", c->hex, ", found ", found);
		return -1;
	}
	char draft[PATH_BYTES], path[PATH_BYTES];
	draft_of(c, draft);
	path_of(c, path);
	int result = close(w->file);
	w->file = -1;
	if (result == 0) result = renameat(s.directory, draft, s.directory, path);
	if (result < 0) fail("write object", c->hex, ": ", strerror(errno));
	return result;
}

/* Takes the part of a content that is in a chunk. */
static int take_part(struct worker *w, struct content *c, const struct chunk *k)
{
	uint64_t chunk_end = k->start + k->length;
	uint64_t from = c->start > k->start ? c->start : k->start, to = c->end < chunk_end ? c->end : chunk_end;
	if (from == c->start) {
		int is_continued = s.is_continuing && c == s.contents;
		w->open = c;
		w->done = 0;
		SHA512_Init(&w->sum);
		if ((w->file = is_continued ? open_kept(w, c) : create(c)) < 0) {
			fail("write object", c->hex, ": ", strerror(errno));
			return -1;
		}
	}
	const uint8_t *bytes = k->bytes + (from - k->start);
	SHA512_Update(&w->sum, bytes, (size_t)(to - from));
	if (write_all(w->file, bytes, (size_t)(to - from)) < 0) {
		int reason = errno;
		drop(w);
		fail("write object", c->hex, ": ", strerror(reason));
		return -1;
	}
	w->done += to - from;
	return to < c->end ? 0 : finish(w, c);
}

static void take_chunk(struct worker *w, const struct chunk *k)
{
	for (size_t i = k->first; i < s.count && s.contents[i].start < k->start + k->length; i++) {
		if (take_part(w, &s.contents[i], k) < 0) return;
		if (w->file >= 0) return;
		pthread_mutex_lock(&s.lock);
		s.contents[i].is_stored = 1;
		pthread_mutex_unlock(&s.lock);
	}
}

/* The first chunk that this worker may take; it is taken from the queue. */
static struct chunk *next_chunk(const struct worker *w)
{
	struct chunk *before = NULL;
	for (struct chunk *k = s.first; k; before = k, k = k->next) {
		if (k->worker >= 0 && k->worker != w->number) continue;
		if (before) before->next = k->next;
		else s.first = k->next;
		if (s.last == k) s.last = before;
		return k;
	}
	return NULL;
}

static void *work(void *argument)
{
	struct worker *w = argument;
	pthread_mutex_lock(&s.lock);
	for (;;) {
		/* A worker in the middle of a content takes only what continues it, which comes to it alone. */
		struct chunk *k = next_chunk(w);
		if (!k && s.is_ending) break;
		if (!k) {
			pthread_cond_wait(&s.changed, &s.lock);
			continue;
		}
		int failed = s.is_failed;
		pthread_mutex_unlock(&s.lock);
		if (!failed) take_chunk(w, k);
		pthread_mutex_lock(&s.lock);
		k->next = s.free;
		s.free = k;
		pthread_cond_broadcast(&s.changed);
	}
	pthread_mutex_unlock(&s.lock);
	return NULL;
}

/* Lines `HEX SIZE`, in the order of the stream, which has `begun` bytes less of the first. 0 if a line is something else. */
static int read_plan(const char *text, double begun)
{
	uint64_t at = 0;
	size_t lines = 0;
	for (const char *c = text; *c; c++) lines += *c == '\n';
	s.contents = calloc(lines + 1, sizeof *s.contents);
	if (!s.contents) return 0;
	for (s.count = 0; *text; s.count++) {
		struct content *c = &s.contents[s.count];
		unsigned long long size;
		int used = 0;
		if (sscanf(text, "%128[0-9a-f] %15llu%n", c->hex, &size, &used) != 2 || strlen(c->hex) != HEX_DIGITS ||
		    text[used] != '\n' || size == 0 || (double)at + (double)size > MAX_STREAM)
			return 0;
		if (s.count == 0 && begun > 0) {
			if (strcmp(c->hex, kept.hex) || begun >= (double)size) return 0;
			size -= (unsigned long long)begun;
		}
		c->start = at;
		at = c->end = c->start + size;
		text += used + 1;
	}
	return s.count > 0;
}

static void release(void)
{
	for (struct chunk *k; (k = s.free); free(k)) s.free = k->next;
	free(s.filling);
	free(s.contents);
	if (s.directory >= 0) close(s.directory);
	s.filling = NULL;
	s.contents = NULL;
	s.is_open = 0;
}

static void end_workers(void)
{
	pthread_mutex_lock(&s.lock);
	s.is_ending = 1;
	pthread_cond_broadcast(&s.changed);
	pthread_mutex_unlock(&s.lock);
	for (int i = 0; i < s.workers; i++) pthread_join(s.pool[i].thread, NULL);
	for (int i = 0; i < s.workers; i++) {
		struct worker *w = &s.pool[i];
		if (w->file < 0) continue;
		/* What came before it is stored: it is the only one that is open. */
		if (!s.is_failed && kept.directory < 0) keep(w);
		else drop(w);
	}
}

static JSValue objects_begin(JSContext *ctx, const struct argument *a)
{
	if (s.is_open) return host_throw(ctx, "objectsBegin: the former session is open");
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int wanted = cpus < 1 ? 1 : cpus > MAX_WORKERS ? MAX_WORKERS : (int)cpus;
	s.free = s.first = s.last = s.filling = NULL;
	s.workers = s.is_ending = s.is_failed = 0;
	s.next = s.count = 0;
	s.received = 0;
	s.pinned = -1;
	s.directory = -1;
	s.forged[0] = 0;
	s.is_continuing = a[2].number > 0;
	if (s.is_continuing && (kept.directory < 0 || a[2].number != (double)kept.bytes))
		return host_throw(ctx, "objectsBegin: expected the number of bytes that are kept");
	if (!read_plan(a[1].text, a[2].number)) {
		release();
		return host_throw(ctx, "objectsBegin: expected lines of a SHA-512 and a size");
	}
	if (s.is_continuing) take_over();
	else forget();
	s.directory = fcntl((int)a[0].number, F_DUPFD_CLOEXEC, 0);
	int is_ready = s.directory >= 0;
	for (int i = 0; i < CHUNKS && is_ready; i++) {
		struct chunk *k = malloc(sizeof *k);
		is_ready = k != NULL;
		if (!k) break;
		k->next = s.free;
		s.free = k;
	}
	for (; is_ready && s.workers < wanted; s.workers++) {
		struct worker *w = &s.pool[s.workers];
		w->number = s.workers;
		w->file = -1;
		if (pthread_create(&w->thread, NULL, work, w)) break;
	}
	s.is_open = 1;
	if (s.workers > 0) return JS_UNDEFINED;
	release();
	return host_throw_errno(ctx, "objectsBegin");
}

/* Waits until a worker gives a chunk back. */
static struct chunk *free_chunk(void)
{
	pthread_mutex_lock(&s.lock);
	while (!s.free) pthread_cond_wait(&s.changed, &s.lock);
	struct chunk *k = s.free;
	s.free = k->next;
	pthread_mutex_unlock(&s.lock);
	k->length = 0;
	k->next = NULL;
	return k;
}

/* Gives what is filled to a worker, cut after the last content that ends in it; the rest begins the next chunk. */
static void hand_over(void)
{
	struct chunk *k = s.filling, *rest = NULL;
	uint64_t end = k->start + k->length, cut = 0;
	k->first = s.next;
	k->worker = s.pinned;
	while (s.next < s.count && s.contents[s.next].end <= end) cut = s.contents[s.next++].end;
	int is_begun = s.next < s.count && s.contents[s.next].start < end;
	if (is_begun && cut > 0) {
		rest = free_chunk();
		rest->start = cut;
		rest->length = (size_t)(end - cut);
		k->length -= rest->length;
		memcpy(rest->bytes, k->bytes + k->length, rest->length);
		is_begun = 0;
	}
	pthread_mutex_lock(&s.lock);
	/* In the middle of a content: its other parts go to the same worker. */
	if (is_begun && s.pinned < 0) k->worker = s.pinned = (int)(s.next % (size_t)s.workers);
	if (!is_begun) s.pinned = -1;
	if (s.last) s.last->next = k;
	else s.first = k;
	s.last = k;
	pthread_cond_broadcast(&s.changed);
	pthread_mutex_unlock(&s.lock);
	s.filling = rest;
}

static int has_failed(void)
{
	pthread_mutex_lock(&s.lock);
	int failed = s.is_failed;
	pthread_mutex_unlock(&s.lock);
	return failed;
}

static JSValue objects_feed(JSContext *ctx, const struct argument *a)
{
	const uint8_t *bytes = a[0].bytes;
	size_t left = a[0].length;
	if (!s.is_open) return host_throw(ctx, "objectsFeed: no session is open");
	if (left > s.contents[s.count - 1].end - s.received)
		return host_throw(ctx, "object server: expected %zu objects, found more bytes", s.count);
	while (left > 0) {
		if (has_failed()) return host_throw(ctx, "%s", s.fault);
		if (!s.filling) {
			s.filling = free_chunk();
			s.filling->start = s.received;
		}
		size_t room = CHUNK_BYTES - s.filling->length, count = left < room ? left : room;
		memcpy(s.filling->bytes + s.filling->length, bytes, count);
		s.filling->length += count;
		s.received += count;
		bytes += count;
		left -= count;
		if (s.filling->length == CHUNK_BYTES) hand_over();
	}
	return JS_UNDEFINED;
}

/* How many contents from the first on are stored; they are verified and written when this returns. */
static JSValue objects_end(JSContext *ctx, const struct argument *a)
{
	(void)a;
	if (!s.is_open) return host_throw(ctx, "objectsEnd: no session is open");
	while (s.filling && s.filling->length > 0) hand_over(); /* what is complete, then the beginning of the next content */
	end_workers();
	size_t stored = 0;
	while (stored < s.count && s.contents[stored].is_stored) stored++;
	int failed = s.is_failed;
	release();
	return failed ? host_throw(ctx, "%s", s.fault) : JS_NewFloat64(ctx, (double)stored);
}

static JSValue objects_kept(JSContext *ctx, const struct argument *a)
{
	int is_kept = kept.directory >= 0 && !strcmp(kept.hex, a[0].text);
	return JS_NewFloat64(ctx, is_kept ? (double)kept.bytes : 0);
}

static JSValue objects_forged(JSContext *ctx, const struct argument *a)
{
	(void)a;
	pthread_mutex_lock(&s.lock);
	JSValue result = JS_NewString(ctx, s.forged);
	pthread_mutex_unlock(&s.lock);
	return result;
}

/* Keeps a draft of an earlier process, of which the caller has hashed all bytes. */
static JSValue objects_adopt(JSContext *ctx, const struct argument *a)
{
	const char *hex = a[1].text, *draft = a[2].text;
	if (s.is_open) return host_throw(ctx, "objectsAdopt: a session is open");
	if (strlen(hex) != HEX_DIGITS || strlen(draft) >= PATH_BYTES || !(a[3].number >= 1 && a[3].number <= MAX_STREAM) ||
	    a[4].length != sizeof(SHA512_CTX))
		return host_throw(ctx, "objectsAdopt: expected a SHA-512, a draft, its size and the state of its hash");
	int directory = fcntl((int)a[0].number, F_DUPFD_CLOEXEC, 0);
	if (directory < 0) return host_throw_errno(ctx, "objectsAdopt");
	if (kept.directory >= 0 && !strcmp(kept.draft, draft)) close(kept.directory);
	else forget();
	kept.directory = directory;
	memcpy(kept.hex, hex, HEX_DIGITS + 1);
	memcpy(kept.draft, draft, strlen(draft) + 1);
	kept.bytes = (uint64_t)a[3].number;
	memcpy(&kept.sum, a[4].bytes, sizeof kept.sum);
	return JS_UNDEFINED;
}

static JSValue objects_forget(JSContext *ctx, const struct argument *a)
{
	(void)a;
	if (s.is_open) return host_throw(ctx, "objectsForget: a session is open");
	forget();
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
