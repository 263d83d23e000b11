/* Stress tests with a verifiable result, on every CPU at once, for the module `host`. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <mbedtls/sha512.h>
#include "host.h"

enum { MAX_CPUS = 1024, BLOCK = 4096, ROUNDS = 256, DIGEST = 64, WORD = 8, MIB = 1 << 20 };

struct worker {
	pthread_t thread;
	int cpu;
	/* cpuTest */
	double until, hashes;
	int unequal;
	uint8_t digest[DIGEST];
	/* memoryTest */
	uint64_t *words;
	size_t count;
	double wrong;
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
	w->hashes = ROUNDS;
	while (seconds_now() < w->until) {
		hash_chain(again);
		w->hashes += ROUNDS;
		if (memcmp(again, w->digest, DIGEST)) w->unequal = 1;
	}
	return NULL;
}

/* A word that depends on its address, so that the test finds a stuck address line as well as a stuck bit. */
static uint64_t pattern(size_t place, int pass)
{
	uint64_t word = (uint64_t)place * 0x9e3779b97f4a7c15u;
	return pass ? ~word : word;
}

static void *memory_worker(void *argument)
{
	struct worker *w = argument;
	volatile uint64_t *words = w->words;
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < w->count; i++) words[i] = pattern(i, pass);
		for (size_t i = 0; i < w->count; i++) w->wrong += words[i] != pattern(i, pass);
	}
	return NULL;
}

/* Runs work on every CPU available to us, each thread pinned to its own. */
static int run_workers(JSContext *ctx, struct worker *workers, int count, void *(*work)(void *))
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
	for (int i = 0; i < started; i++) pthread_join(workers[i].thread, NULL);
	if (started < count) host_throw(ctx, "expected %d threads, started only %d", count, started);
	return started < count ? -1 : 0;
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

static JSValue cpu_test(JSContext *ctx, const struct argument *a)
{
	int count;
	struct worker *workers = make_workers(ctx, &count);
	if (!workers) return JS_EXCEPTION;
	double start = seconds_now(), hashes = 0;
	int agreed = 1;
	for (int i = 0; i < count; i++) workers[i].until = start + a[0].number;
	int failed = run_workers(ctx, workers, count, hash_worker);
	for (int i = 0; i < count; i++) {
		hashes += workers[i].hashes;
		if (workers[i].unequal || memcmp(workers[i].digest, workers[0].digest, DIGEST)) agreed = 0;
	}
	free(workers);
	if (failed) return JS_EXCEPTION;
	JSValue answer = JS_NewObject(ctx);
	JS_SetPropertyStr(ctx, answer, "hashesPerSecond", JS_NewFloat64(ctx, hashes / (seconds_now() - start)));
	JS_SetPropertyStr(ctx, answer, "agreed", JS_NewBool(ctx, agreed));
	return answer;
}

static JSValue memory_test(JSContext *ctx, const struct argument *a)
{
	int count;
	size_t bytes = (size_t)a[0].number * MIB;
	uint64_t *words = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (words == MAP_FAILED) return host_throw_errno(ctx, "memoryTest of %.0f MiB", a[0].number);
	struct worker *workers = make_workers(ctx, &count);
	if (!workers) return JS_EXCEPTION;
	size_t share = bytes / WORD / (size_t)count;
	double start = seconds_now(), wrong = 0;
	for (int i = 0; i < count; i++) {
		workers[i].words = words + share * (size_t)i;
		workers[i].count = i == count - 1 ? bytes / WORD - share * (size_t)i : share;
	}
	int failed = run_workers(ctx, workers, count, memory_worker);
	double seconds = seconds_now() - start;
	for (int i = 0; i < count; i++) wrong += workers[i].wrong;
	free(workers);
	munmap(words, bytes);
	if (failed) return JS_EXCEPTION;
	JSValue answer = JS_NewObject(ctx);
	/* two passes, each written and read */
	JS_SetPropertyStr(ctx, answer, "mebibytesPerSecond", JS_NewFloat64(ctx, 4 * a[0].number / seconds));
	JS_SetPropertyStr(ctx, answer, "wrongWords", JS_NewFloat64(ctx, wrong));
	return answer;
}

const struct host_entry burnin_entries[] = {
	{ "cpuTest", "n", cpu_test },
	{ "memoryTest", "n", memory_test },
	{ NULL, NULL, NULL },
};
