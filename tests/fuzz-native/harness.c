/*
 * A libFuzzer target around the native program: the script in FUZZ_SCRIPT defines the global function `take`, which
 * gets each input as an ArrayBuffer. A thrown Error is a refusal; anything else that is thrown is a fault, as are the
 * reports of the sanitizers.
 */
#include <sys/socket.h>
/* host.c has the tables, the calls and the context; its main is not the one that runs here. */
#define main host_main
#include "../../src/init/host.c"
#undef main

enum { MAX_INPUT = 1 << 16, ENGINE_BYTES = 256 << 20 };

static JSContext *context;
static JSValue take;

/* A socket that delivers the input and then ends, as a server that sends these bytes whatever it is asked. */
static JSValue socket_with(JSContext *ctx, JSValueConst this_value, int argc, JSValueConst *argv)
{
	int pair[2];
	size_t length;
	uint8_t *bytes = JS_GetArrayBuffer(ctx, &length, argv[0]);
	(void)this_value;
	(void)argc;
	if (!bytes) return JS_EXCEPTION;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0) return host_throw_errno(ctx, "socketpair");
	if (send(pair[0], bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && length > 0) abort();
	close(pair[0]);
	return JS_NewInt32(ctx, pair[1]);
}

/* A request as the program birther-peer reads it, and a line of its settings; the status of the request. */
static JSValue peer_request(JSContext *ctx, JSValueConst this_value, int argc, JSValueConst *argv)
{
	size_t length;
	uint8_t *input = JS_GetArrayBuffer(ctx, &length, argv[0]);
	struct peer_request request = { 0 };
	struct peer_keys keys = { .count = 2 };
	uint64_t limit;
	(void)this_value;
	(void)argc;
	if (!input) return JS_EXCEPTION;
	/* with nothing behind it that could be read unnoticed */
	uint8_t *bytes = malloc(length ? length : 1);
	char *line = strndup((const char *)input, length);
	if (!bytes || !line) abort();
	memcpy(bytes, input, length);
	int status = peer_read_request(bytes, length, &request);
	if (status == 200 && (request.body < bytes || request.body + request.body_length != bytes + length)) abort();
	/* What is refused early stays refused, however the bytes arrive. */
	for (size_t some = 1; some < length && some <= 512; some++) {
		struct peer_request part = { 0 };
		int early = peer_read_request(bytes, some, &part);
		if (early != 0 && early != 200 && early != status) abort();
	}
	if (status == 200 && peer_is_authentic(&request, &keys)) status += peer_has_hashes(&request);
	if (peer_read_settings(line, &limit, &keys) && keys.count > 2) abort();
	free(bytes);
	free(line);
	return JS_NewInt32(ctx, status);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		for (const struct host_entry *entry = tables[i]; entry->name && entry_count < MAX_ENTRIES; entry++)
			entries[entry_count++] = entry;
	JSRuntime *runtime = JS_NewRuntime();
	js_std_init_handlers(runtime);
	JS_SetMaxStackSize(runtime, STACK_BYTES);
	JS_SetMemoryLimit(runtime, ENGINE_BYTES);
	context = new_context(runtime);
	js_std_add_helpers(context, 0, NULL);
	JSValue global = JS_GetGlobalObject(context);
	JS_SetPropertyStr(context, global, "socketWith", JS_NewCFunction(context, socket_with, "socketWith", 1));
	JS_SetPropertyStr(context, global, "peerRequest", JS_NewCFunction(context, peer_request, "peerRequest", 1));
	const char *script = getenv("FUZZ_SCRIPT");
	if (!script || run_script(context, script)) exit(2);
	take = JS_GetPropertyStr(context, global, "take");
	JS_FreeValue(context, global);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	if (length > MAX_INPUT) return 0;
	JSValue input = JS_NewArrayBufferCopy(context, bytes, length);
	JSValue result = JS_Call(context, take, JS_UNDEFINED, 1, &input);
	if (JS_IsException(result)) {
		JSValue thrown = JS_GetException(context);
		if (!JS_IsError(context, thrown)) {
			const char *fault = JS_ToCString(context, thrown);
			fprintf(stderr, "fault: %s\n", fault ? fault : "not to be shown");
			abort();
		}
		JS_FreeValue(context, thrown);
	}
	JS_FreeValue(context, result);
	JS_FreeValue(context, input);
	return 0;
}
