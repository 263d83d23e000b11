/*
 * The program that runs all JavaScript on a machine: QuickJS, its modules std and os, and our module `host`. Its name
 * decides what it runs, so that one file serves as /init, birther-agent and test runner; and as birther-peer, which has
 * no JavaScript.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>
#include "host.h"
#include "host-peer.h"
#include "quickjs-libc.h"

/* Time to read the console (and to flush a serial log) before a failed PID 1 reboots. */
enum { MESSAGE_SECONDS = 20, STACK_BYTES = 4 << 20, MAX_ENTRIES = 96 };

static const struct { const char *program, *script; } scripts[] = {
	{ "init", "/usr/lib/birther/init.js" },
	{ "birther-agent", "/usr/local/lib/birther/agent.js" },
};

static const struct host_entry *const tables[] = { system_entries, network_entries, tls_entries, burnin_entries,
	                                           beneath_entries, hash_entries, objects_entries, place_entries,
	                                           device_entries, attributes_entries };
static const struct host_entry *entries[MAX_ENTRIES];
static int entry_count;

static JSValue throw_text(JSContext *ctx, const char *text)
{
	JSValue error = JS_NewError(ctx);
	JS_DefinePropertyValueStr(ctx, error, "message", JS_NewString(ctx, text),
	                          JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
	return JS_Throw(ctx, error);
}

JSValue host_throw(JSContext *ctx, const char *format, ...)
{
	char text[1024];
	va_list list;
	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	return throw_text(ctx, text);
}

JSValue host_throw_errno(JSContext *ctx, const char *format, ...)
{
	char text[1024];
	const char *reason = strerror(errno);
	va_list list;
	va_start(list, format);
	int length = vsnprintf(text, sizeof text, format, list);
	va_end(list);
	if (length >= 0 && (size_t)length < sizeof text)
		snprintf(text + length, sizeof text - (size_t)length, ": %s", reason);
	return throw_text(ctx, text);
}

/* Reads one argument; returns how many JavaScript arguments it consumed, or -1 with an exception pending. */
static int read_argument(JSContext *ctx, char letter, JSValueConst *argv, struct argument *a)
{
	uint64_t offset = 0, length = 0;
	a->js = argv[0];
	if (letter == 's') return (a->text = JS_ToCString(ctx, argv[0])) ? 1 : -1;
	if (letter == 'n') return JS_ToFloat64(ctx, &a->number, argv[0]) ? -1 : 1;
	if (letter == 'v') return 1;
	/* before the buffer is looked at: a conversion runs JavaScript, which could replace its memory */
	if (letter == 'r' && (JS_ToIndex(ctx, &offset, argv[1]) || JS_ToIndex(ctx, &length, argv[2]))) return -1;
	if (!(a->bytes = JS_GetArrayBuffer(ctx, &a->length, argv[0]))) return -1;
	if (letter == 'b') return 1;
	if (offset > a->length || length > a->length - offset) {
		host_throw(ctx, "expected a range inside a buffer of %zu bytes, found %llu bytes at offset %llu",
		           a->length, (unsigned long long)length, (unsigned long long)offset);
		return -1;
	}
	a->bytes += offset;
	a->length = length;
	return 3;
}

/*
 * Every function of the module is called through here: convert the arguments by the table's signature, call, clean up.
 */
static JSValue call_entry(JSContext *ctx, JSValueConst this_value, int argc, JSValueConst *argv, int magic)
{
	const struct host_entry *entry = entries[magic];
	struct argument a[MAX_ARGUMENTS] = { 0 };
	JSValue result = JS_EXCEPTION;
	int taken = 0, used = 0, count = (int)strlen(entry->signature);
	(void)this_value;
	(void)argc; /* QuickJS fills up to the declared length with undefined */
	while (used < count) {
		int step = read_argument(ctx, entry->signature[used], argv + taken, &a[used]);
		if (step < 0) goto done;
		taken += step;
		used++;
	}
	result = entry->call(ctx, a);
done:
	for (int i = 0; i < count; i++)
		if (a[i].text) JS_FreeCString(ctx, a[i].text);
	return result;
}

static int define_exports(JSContext *ctx, JSModuleDef *module)
{
	for (int i = 0; i < entry_count; i++) {
		int length = 0;
		for (const char *letter = entries[i]->signature; *letter; letter++) length += *letter == 'r' ? 3 : 1;
		JSValue function = JS_NewCFunctionMagic(ctx, call_entry, entries[i]->name, length,
		                                        JS_CFUNC_generic_magic, i);
		if (JS_SetModuleExport(ctx, module, entries[i]->name, function)) return -1;
	}
	return 0;
}

/* Also creates the contexts of os.Worker threads; the table is filled once. */
static JSContext *new_context(JSRuntime *runtime)
{
	JSContext *ctx = JS_NewContext(runtime);
	if (!ctx) return NULL;
	js_init_module_std(ctx, "std");
	js_init_module_os(ctx, "os");
	JSModuleDef *module = JS_NewCModule(ctx, "host", define_exports);
	if (!module) return NULL;
	for (int i = 0; i < entry_count; i++) JS_AddModuleExport(ctx, module, entries[i]->name);
	return ctx;
}

/* When PID 1 ends, the kernel panics and the reason scrolls away; print a message, wait, restart. */
static void last_words(void)
{
	if (getpid() != 1) return;
	printf("\nbirther: PID 1 ended; the machine reboots in %d seconds\n", MESSAGE_SECONDS);
	fflush(NULL);
	sync();
	for (unsigned left = MESSAGE_SECONDS; left > 0;) left = sleep(left);
	reboot(RB_AUTOBOOT);
}

static const char *name_in(const char *program)
{
	const char *slash = strrchr(program, '/');
	return slash ? slash + 1 : program;
}

static const char *script_for(const char *program)
{
	const char *name = name_in(program);
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
		if (!strcmp(scripts[i].program, name)) return scripts[i].script;
	return NULL;
}

static int run_script(JSContext *ctx, const char *path)
{
	size_t length;
	uint8_t *source = js_load_file(ctx, &length, path);
	if (!source) {
		fprintf(stderr, "birther: cannot read %s: %s\n", path, strerror(errno));
		return 1;
	}
	JSValue module = JS_Eval(ctx, (char *)source, length, path, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
	js_free(ctx, source);
	if (JS_IsException(module)) {
		js_std_dump_error(ctx);
		return 1;
	}
	js_module_set_import_meta(ctx, module, 1, 1);
	/* A module's result is a promise; what the top level throws is a rejection of it, and reported once. */
	JSValue result = js_std_await(ctx, JS_EvalFunction(ctx, module));
	int failed = JS_IsException(result);
	JS_SetHostPromiseRejectionTracker(JS_GetRuntime(ctx), js_std_promise_rejection_tracker, NULL);
	if (failed) js_std_dump_error(ctx);
	else js_std_loop(ctx);
	JS_FreeValue(ctx, result);
	return failed;
}

int main(int argc, char **argv)
{
	atexit(last_words);
	signal(SIGPIPE, SIG_IGN); /* a broken connection is an error of write, not the end of PID 1 */
	if (!strcmp(name_in(argv[0]), "birther-peer")) return peer_main(argc, argv);
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 0);
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		for (const struct host_entry *entry = tables[i]; entry->name && entry_count < MAX_ENTRIES; entry++)
			entries[entry_count++] = entry;

	const char *own = script_for(argv[0]);
	int first = own ? 1 : 2;
	if (!own && argc < 2) {
		fprintf(stderr, "usage: %s SCRIPT.js [ARGUMENT...]\n", argv[0]);
		return 2;
	}
	argv[first - 1] = (char *)(own ? own : argv[1]); /* scriptArgs[0], as in qjs */

	JSRuntime *runtime = JS_NewRuntime();
	js_std_set_worker_new_context_func(new_context);
	js_std_init_handlers(runtime);
	JS_SetMaxStackSize(runtime, STACK_BYTES);
	JSContext *ctx = new_context(runtime);
	if (!ctx) {
		fprintf(stderr, "birther: not enough memory for JavaScript\n");
		return 1;
	}
	JS_SetModuleLoaderFunc(runtime, NULL, js_module_loader, NULL);
	js_std_add_helpers(ctx, argc - first + 1, argv + first - 1);
	int status = run_script(ctx, argv[first - 1]);
	fflush(NULL);
	return status; /* memory goes with the process */
}
