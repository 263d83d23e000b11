/* Stress tests with a verifiable result, on every CPU at once, for the module `host`. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <mbedtls/sha512.h>
#include "host.h"

enum { MAX_CPUS = 1024, BLOCK = 4096, ROUNDS = 256, DIGEST = 64, WORD = 8, MIB = 1 << 20, PATTERNS = 2 };
/* How often the caller hears how far a test is, and what a memory of unknown speed is measured with. */
enum { REPORT_SECONDS = 5, TRIAL_WORDS = MIB };

/* The first word of a worker that read back wrong. */
struct wrong_word {
	size_t offset;
	uint64_t physical, expected, found, again;
	const char *pattern;
};

struct worker {
	pthread_t thread;
	int cpu;
	double until;
	/* What is done so far: hashes, or words filled and compared; read by the thread that waits. */
	volatile double done;
	/* cpuTest */
	int unequal;
	uint8_t digest[DIGEST];
	/* memoryTest */
	uint64_t *words, *base;
	size_t count, rounds, tested;
	double wrong;
	struct wrong_word first;
};

static double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A chain of hashes: an error anywhere in it changes the last digest. */
static void hash_chain(uint8_t *digest)
{
	uint8_t block[BLOCK];
	for (int i = 0; i < BLOCK; i++) block[i] = (uint8_t)(i * 31 + (i >> 8));
	for (int round = 0; round < ROUNDS; round++) {
		mbedtls_sha512(block, BLOCK, digest, 0);
		memcpy(block + (round * DIGEST) % BLOCK, digest, DIGEST);
	}
}

static void *hash_worker(void *argument)
{
	struct worker *w = argument;
	uint8_t again[DIGEST];
	hash_chain(w->digest);
	w->done = ROUNDS;
	while (seconds_now() < w->until) {
		hash_chain(again);
		w->done += ROUNDS;
		if (memcmp(again, w->digest, DIGEST)) w->unequal = 1;
	}
	return NULL;
}

/* Words that depend on their address find a stuck address line as well as a stuck bit; the others disturb their neighbours. */
static const char *const pattern_names[] = { "address", "checkerboard", "walking bit" };
enum { KINDS = sizeof pattern_names / sizeof *pattern_names };

static inline uint64_t pattern(size_t place, size_t round, size_t kind, uint64_t inverse)
{
	uint64_t word = kind == 0   ? ((uint64_t)place + round) * 0x9e3779b97f4a7c15u
	                : kind == 1 ? 0x5555555555555555u
	                            : 1ull << ((place + round) & 63);
	return word ^ inverse;
}

/* The kernel tells root where a page is in the machine (Documentation/admin-guide/mm/pagemap.rst); 0 if it does not. */
static uint64_t physical_address(const volatile void *address)
{
	uint64_t entry = 0, page = (uint64_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)address;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (fd < 0) return 0;
	ssize_t count = pread(fd, &entry, sizeof entry, (off_t)(at / page * sizeof entry));
	close(fd);
	uint64_t frame = entry & ((1ull << 55) - 1);
	return count == sizeof entry && entry >> 63 && frame ? frame * page + at % page : 0;
}

static void note_wrong(struct worker *w, size_t place, uint64_t expected, uint64_t found, size_t round)
{
	const volatile uint64_t *word = &w->words[place];
	if (w->wrong++ > 0) return;
	w->first = (struct wrong_word){ .offset = (size_t)((const uint8_t *)&w->words[place] - (const uint8_t *)w->base),
		                        .physical = physical_address(word), .expected = expected, .found = found,
		                        .again = *word, .pattern = pattern_names[round % KINDS] };
}

/* One round over the first words of a worker's share. */
static void fill_and_compare(struct worker *w, size_t count, size_t round)
{
	volatile uint64_t *words = w->words;
	size_t kind = round % KINDS;
	for (int pass = 0; pass < PATTERNS; pass++) {
		uint64_t inverse = pass ? ~0ull : 0;
		for (size_t i = 0; i < count; i++) words[i] = pattern(i, round, kind, inverse);
		w->done += (double)count;
		for (size_t i = 0; i < count; i++) {
			uint64_t found = words[i], expected = pattern(i, round, kind, inverse);
			if (found != expected) note_wrong(w, i, expected, found, round);
		}
		w->done += (double)count;
	}
}

/* How much of a share can be filled and compared until the time is over, by a trial with its beginning. */
static size_t share_in_time(struct worker *w)
{
	size_t trial = w->count < TRIAL_WORDS ? w->count : TRIAL_WORDS;
	double start = seconds_now();
	fill_and_compare(w, trial, 0);
	double now = seconds_now(), words = (w->until - now) / (now - start + 1e-9) * (double)trial;
	return words >= (double)w->count ? w->count : words > (double)trial ? (size_t)words : trial;
}

static void *memory_worker(void *argument)
{
	struct worker *w = argument;
	double round_seconds = 0;
	w->tested = w->until > 0 ? share_in_time(w) : w->count;
	for (size_t round = 0; round < w->rounds; round++) {
		double start = seconds_now();
		if (round > 0 && w->until > 0 && start + round_seconds > w->until) break;
		fill_and_compare(w, w->tested, round);
		round_seconds = seconds_now() - start;
	}
	return NULL;
}

/* What the waiting thread tells the caller: a share from 0 to 1. Whatever it throws is thrown once the test has ended. */
struct watcher {
	JSContext *ctx;
	JSValueConst notify;
	double start, seconds, all;
	int has_thrown;
	/* The least done per second between two reports; 0 without two. */
	double slowest, last_done, last_at;
};

static double done_by(const struct worker *workers, int count)
{
	double done = 0;
	for (int i = 0; i < count; i++) done += workers[i].done;
	return done;
}

static void report(struct watcher *watcher, const struct worker *workers, int count)
{
	double now = seconds_now(), done = done_by(workers, count);
	double rate = (done - watcher->last_done) / (now - watcher->last_at);
	if (watcher->slowest == 0 || rate < watcher->slowest) watcher->slowest = rate;
	watcher->last_done = done;
	watcher->last_at = now;
	if (watcher->has_thrown || !JS_IsFunction(watcher->ctx, watcher->notify)) return;
	double share = watcher->seconds > 0 ? (now - watcher->start) / watcher->seconds : done / watcher->all;
	JSValue argument = JS_NewFloat64(watcher->ctx, share < 1 ? share : 1);
	JSValue answer = JS_Call(watcher->ctx, watcher->notify, JS_UNDEFINED, 1, &argument);
	watcher->has_thrown = JS_IsException(answer);
	JS_FreeValue(watcher->ctx, answer);
}

static void join_workers(struct watcher *watcher, struct worker *workers, int count)
{
	struct timespec next;
	clock_gettime(CLOCK_MONOTONIC, &next);
	next.tv_sec += REPORT_SECONDS;
	for (int i = 0; i < count; i++)
		while (pthread_clockjoin_np(workers[i].thread, NULL, CLOCK_MONOTONIC, &next) == ETIMEDOUT) {
			report(watcher, workers, count);
			clock_gettime(CLOCK_MONOTONIC, &next);
			next.tv_sec += REPORT_SECONDS;
		}
}

/* Runs work on every CPU available to us, each thread pinned to its own. */
static int run_workers(struct watcher *watcher, struct worker *workers, int count, void *(*work)(void *))
{
	int started = 0;
	for (; started < count; started++) {
		pthread_attr_t attributes;
		cpu_set_t cpus;
		CPU_ZERO(&cpus);
		CPU_SET((size_t)workers[started].cpu, &cpus);
		pthread_attr_init(&attributes);
		pthread_attr_setaffinity_np(&attributes, sizeof cpus, &cpus);
		int failed = pthread_create(&workers[started].thread, &attributes, work, &workers[started]);
		pthread_attr_destroy(&attributes);
		if (failed) break;
	}
	watcher->last_at = watcher->start;
	join_workers(watcher, workers, started);
	if (started < count && !watcher->has_thrown)
		host_throw(watcher->ctx, "expected %d threads, started only %d", count, started);
	return started < count || watcher->has_thrown ? -1 : 0;
}

static struct worker *make_workers(JSContext *ctx, int *count)
{
	cpu_set_t allowed;
	*count = 0;
	struct worker *workers = calloc(MAX_CPUS, sizeof *workers);
	if (!workers || sched_getaffinity(0, sizeof allowed, &allowed) < 0) {
		free(workers);
		host_throw_errno(ctx, "sched_getaffinity");
		return NULL;
	}
	for (int cpu = 0; cpu < MAX_CPUS && cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET((size_t)cpu, &allowed)) workers[(*count)++].cpu = cpu;
	return workers;
}

static void set(JSContext *ctx, JSValue object, const char *name, JSValue value)
{
	JS_SetPropertyStr(ctx, object, name, value);
}

static JSValue cpu_test(JSContext *ctx, const struct argument *a)
{
	int count;
	struct worker *workers = make_workers(ctx, &count);
	if (!workers) return JS_EXCEPTION;
	double start = seconds_now();
	int agreed = 1;
	struct watcher watcher = { .ctx = ctx, .notify = a[1].js, .start = start, .seconds = a[0].number };
	for (int i = 0; i < count; i++) workers[i].until = start + a[0].number;
	int failed = run_workers(&watcher, workers, count, hash_worker);
	double hashes = done_by(workers, count);
	for (int i = 0; i < count; i++)
		if (workers[i].unequal || memcmp(workers[i].digest, workers[0].digest, DIGEST)) agreed = 0;
	free(workers);
	if (failed) return JS_EXCEPTION;
	JSValue answer = JS_NewObject(ctx);
	set(ctx, answer, "hashesPerSecond", JS_NewFloat64(ctx, hashes / (seconds_now() - start)));
	set(ctx, answer, "slowestPerSecond", JS_NewFloat64(ctx, watcher.slowest));
	set(ctx, answer, "agreed", JS_NewBool(ctx, agreed));
	return answer;
}

/* A number of 64 bits, as JavaScript has none. */
static JSValue hex(JSContext *ctx, uint64_t number)
{
	char text[19];
	snprintf(text, sizeof text, "0x%016llx", (unsigned long long)number);
	return JS_NewString(ctx, text);
}

static JSValue wrong_words(JSContext *ctx, const struct worker *workers, int count)
{
	JSValue list = JS_NewArray(ctx);
	uint32_t found = 0;
	for (int i = 0; i < count; i++) {
		const struct wrong_word *w = &workers[i].first;
		if (workers[i].wrong == 0) continue;
		JSValue entry = JS_NewObject(ctx);
		set(ctx, entry, "offset", JS_NewFloat64(ctx, (double)w->offset));
		if (w->physical) set(ctx, entry, "physical", hex(ctx, w->physical));
		set(ctx, entry, "pattern", JS_NewString(ctx, w->pattern));
		set(ctx, entry, "expected", hex(ctx, w->expected));
		set(ctx, entry, "found", hex(ctx, w->found));
		set(ctx, entry, "again", hex(ctx, w->again));
		JS_SetPropertyUint32(ctx, list, found++, entry);
	}
	return list;
}

static JSValue memory_answer(JSContext *ctx, const struct worker *workers, int count, double seconds)
{
	double wrong = 0, tested = 0;
	for (int i = 0; i < count; i++) {
		wrong += workers[i].wrong;
		tested += (double)workers[i].tested;
	}
	JSValue answer = JS_NewObject(ctx);
	set(ctx, answer, "mebibytesPerSecond", JS_NewFloat64(ctx, done_by(workers, count) * WORD / MIB / seconds));
	set(ctx, answer, "testedMebibytes", JS_NewFloat64(ctx, tested * WORD / MIB));
	set(ctx, answer, "wrongWords", JS_NewFloat64(ctx, wrong));
	set(ctx, answer, "firstWrong", wrong_words(ctx, workers, count));
	return answer;
}

static JSValue memory_test(JSContext *ctx, const struct argument *a)
{
	int count;
	size_t bytes = (size_t)a[0].number * MIB;
	uint64_t *words = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (words == MAP_FAILED) return host_throw_errno(ctx, "memoryTest of %.0f MiB", a[0].number);
	// Patterns are worth no core dump, and a mapping that differs from its neighbours is not joined with them.
	madvise(words, bytes, MADV_DONTDUMP);
	struct worker *workers = make_workers(ctx, &count);
	if (!workers) {
		munmap(words, bytes);
		return JS_EXCEPTION;
	}
	size_t share = bytes / WORD / (size_t)count;
	double start = seconds_now();
	struct watcher watcher = { .ctx = ctx, .notify = a[3].js, .start = start, .seconds = a[2].number,
		                   .all = (double)(bytes / WORD) * 2 * PATTERNS * a[1].number };
	for (int i = 0; i < count; i++) {
		workers[i].base = words;
		workers[i].words = words + share * (size_t)i;
		workers[i].count = i == count - 1 ? bytes / WORD - share * (size_t)i : share;
		workers[i].rounds = (size_t)a[1].number;
		workers[i].until = a[2].number > 0 ? start + a[2].number : 0;
	}
	int failed = run_workers(&watcher, workers, count, memory_worker);
	JSValue answer = failed ? JS_EXCEPTION : memory_answer(ctx, workers, count, seconds_now() - start);
	free(workers);
	munmap(words, bytes);
	return answer;
}

const struct host_entry burnin_entries[] = {
	{ "cpuTest", "nv", cpu_test },
	{ "memoryTest", "nnnv", memory_test },
	{ NULL, NULL, NULL },
};
