/*
 * SHA-512 and SHA-256 for the module `host`. SHA-512, which every byte of an image goes through, is OpenSSL's: its
 * assembly is twice as fast as mbed TLS, and 16 KB (docs/decisions/sha-512.md).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <mbedtls/sha256.h>
#include "host.h"
#include "host-hash.h"

enum { SHA256_BYTES = 32, FILE_CHUNK = 1 << 20, SLICE_CHUNK = 1 << 16 };

void hash_hex(const uint8_t *digest, int bytes, char *text)
{
	static const char digits[] = "0123456789abcdef";
	for (int i = 0; i < bytes; i++) {
		text[2 * i] = digits[digest[i] >> 4];
		text[2 * i + 1] = digits[digest[i] & 15];
	}
	text[2 * bytes] = 0;
}

static JSValue hex_of(JSContext *ctx, const uint8_t *digest, int bytes)
{
	char text[SHA512_HEX + 1];
	hash_hex(digest, bytes, text);
	return JS_NewString(ctx, text);
}

static JSValue sha512_bytes(JSContext *ctx, const struct argument *a)
{
	SHA512_CTX state;
	uint8_t digest[SHA512_BYTES];
	SHA512_Init(&state);
	SHA512_Update(&state, a[0].bytes, a[0].length);
	SHA512_Final(digest, &state);
	return hex_of(ctx, digest, SHA512_BYTES);
}

static JSValue sha256_bytes(JSContext *ctx, const struct argument *a)
{
	uint8_t digest[SHA256_BYTES];
	mbedtls_sha256(a[0].bytes, a[0].length, digest, 0);
	return hex_of(ctx, digest, SHA256_BYTES);
}

/* Feeds a file to one of the two; returns its length, or -1 with errno. */
static int64_t feed_file(const char *path, SHA512_CTX *sha512, mbedtls_sha256_context *sha256)
{
	static uint8_t chunk[FILE_CHUNK];
	int64_t length = 0;
	ssize_t count;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return -1;
	while ((count = read(fd, chunk, sizeof chunk)) > 0) {
		if (sha512) SHA512_Update(sha512, chunk, (size_t)count);
		else mbedtls_sha256_update(sha256, chunk, (size_t)count);
		length += count;
	}
	int reason = errno;
	close(fd);
	errno = reason;
	return count < 0 ? -1 : length;
}

static JSValue sha512_file(JSContext *ctx, const struct argument *a)
{
	SHA512_CTX state;
	uint8_t digest[SHA512_BYTES];
	SHA512_Init(&state);
	if (feed_file(a[0].text, &state, NULL) < 0) return host_throw_errno(ctx, "sha512File %s", a[0].text);
	SHA512_Final(digest, &state);
	return hex_of(ctx, digest, SHA512_BYTES);
}

/* Of one file; with `next`, of two, the second one at a multiple of four bytes. */
static JSValue sha256_of(JSContext *ctx, const char *path, const char *next)
{
	static const uint8_t zeros[4];
	mbedtls_sha256_context state;
	uint8_t digest[SHA256_BYTES];
	mbedtls_sha256_init(&state);
	mbedtls_sha256_starts(&state, 0);
	int64_t length = feed_file(path, NULL, &state);
	if (length >= 0 && next) {
		mbedtls_sha256_update(&state, zeros, (size_t)(-length & 3));
		path = next;
		length = feed_file(path, NULL, &state);
	}
	if (length < 0) return host_throw_errno(ctx, "SHA-256 of %s", path);
	mbedtls_sha256_finish(&state, digest);
	return hex_of(ctx, digest, SHA256_BYTES);
}

static JSValue sha256_file(JSContext *ctx, const struct argument *a)
{
	return sha256_of(ctx, a[0].text, NULL);
}

static JSValue sha256_two_files(JSContext *ctx, const struct argument *a)
{
	return sha256_of(ctx, a[0].text, a[1].text);
}

/* A file in slices, so that its caller can do something else between them. The state is an ArrayBuffer. */
static JSValue sha512_begin(JSContext *ctx, const struct argument *a)
{
	SHA512_CTX state;
	(void)a;
	SHA512_Init(&state);
	return JS_NewArrayBufferCopy(ctx, (const uint8_t *)&state, sizeof state);
}

static JSValue sha512_feed(JSContext *ctx, const struct argument *a)
{
	static uint8_t chunk[SLICE_CHUNK];
	double done = 0;
	if (a[0].length != sizeof(SHA512_CTX)) return host_throw(ctx, "sha512Feed: expected a state");
	while (done < a[2].number) {
		double left = a[2].number - done;
		ssize_t count = read((int)a[1].number, chunk, left < sizeof chunk ? (size_t)left : sizeof chunk);
		if (count < 0) return JS_NewInt32(ctx, -errno);
		if (count == 0) break;
		SHA512_Update((SHA512_CTX *)a[0].bytes, chunk, (size_t)count);
		done += (double)count;
	}
	return JS_NewFloat64(ctx, done);
}

/* The caller's state stays as it is: more can be fed. */
static JSValue sha512_end(JSContext *ctx, const struct argument *a)
{
	SHA512_CTX state;
	uint8_t digest[SHA512_BYTES];
	if (a[0].length != sizeof state) return host_throw(ctx, "sha512End: expected a state");
	memcpy(&state, a[0].bytes, sizeof state);
	SHA512_Final(digest, &state);
	return hex_of(ctx, digest, SHA512_BYTES);
}

const struct host_entry hash_entries[] = {
	{ "sha256", "r", sha256_bytes },
	{ "sha256File", "s", sha256_file },
	{ "sha256TwoFiles", "ss", sha256_two_files },
	{ "sha512", "r", sha512_bytes },
	{ "sha512File", "s", sha512_file },
	{ "sha512Begin", "", sha512_begin },
	{ "sha512Feed", "bnn", sha512_feed },
	{ "sha512End", "b", sha512_end },
	{ NULL, NULL, NULL },
};
