/* Shared by the files of the native module `host` (typed in host.d.ts). */
#ifndef HOST_H
#define HOST_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include "quickjs.h"

/* One argument, converted according to its letter in the signature. */
struct argument {
	const char *text;  /* s */
	double number;     /* n */
	uint8_t *bytes;    /* b: a whole ArrayBuffer; r: three arguments: buffer, offset, length, checked */
	size_t length;
	JSValueConst js;   /* v: as it came */
};

enum { MAX_ARGUMENTS = 5 };

typedef JSValue host_function(JSContext *ctx, const struct argument *a);

/* A row of the module's function tables. */
struct host_entry {
	const char *name;
	const char *signature;
	host_function *call;
};

extern const struct host_entry system_entries[], network_entries[], tls_entries[], burnin_entries[],
	beneath_entries[], hash_entries[], objects_entries[], place_entries[], device_entries[],
	attributes_entries[];

/* Throws an Error with this message. */
JSValue host_throw(JSContext *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Throws an Error with this message and errno's text. */
JSValue host_throw_errno(JSContext *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Milliseconds since 1970, also before it, as a time. */
struct timespec host_timespec(double ms);
/* undefined, or the result of host_throw_errno when result is negative. */
#define HOST_CHECK(ctx, result, ...) ((result) < 0 ? host_throw_errno(ctx, __VA_ARGS__) : JS_UNDEFINED)

#endif
