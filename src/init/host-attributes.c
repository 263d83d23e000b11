/*
 * Extended attributes and rights of open files, for the module `host`. Results are those of host-beneath.c: 0 or more, or
 * -errno.
 */
#include <errno.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include "host.h"
#include "host-beneath.h"

static int drop_attribute(double fd, const char *name)
{
	char path[FD_PATH];
	int result = removexattr(fd_path(fd, path), name);
	return result < 0 && (errno == ENODATA || errno == EOPNOTSUPP) ? 0 : result;
}

/* The attributes that an image carries (core/image/attributes); all others are left alone. */
static int is_carried(const char *name)
{
	return !strcmp(name, "security.capability") || !strcmp(name, "system.posix_acl_access") ||
	       !strcmp(name, "system.posix_acl_default") || !strncmp(name, "user.", 5);
}

static JSValue hex_of(JSContext *ctx, const unsigned char *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	char *text = js_malloc(ctx, 2 * length + 1);
	if (!text) return JS_EXCEPTION;
	for (size_t i = 0; i < length; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	JSValue value = JS_NewStringLen(ctx, text, 2 * length);
	js_free(ctx, text);
	return value;
}

/* Stops when there is more than the limits allow: what it returns then shows that. */
static JSValue attributes_of(JSContext *ctx, const struct argument *a)
{
	static char names[XATTR_LIST_MAX];
	static unsigned char value[XATTR_SIZE_MAX];
	char path[FD_PATH];
	ssize_t length = listxattr(fd_path(a[0].number, path), names, sizeof names);
	double limit = a[2].number, bytes = 0;
	uint32_t count = 0;
	if (length < 0) return result_of(ctx, -1);
	JSValue found = JS_NewArray(ctx);
	for (char *name = names; name < names + length; name += strlen(name) + 1) {
		if (!is_carried(name)) continue;
		ssize_t size = getxattr(path, name, value, sizeof value);
		if (size < 0 && errno == ENODATA) continue; /* removed meanwhile */
		if (size < 0) {
			JS_FreeValue(ctx, found);
			return result_of(ctx, -1);
		}
		size_t kept = (double)size > limit ? (size_t)limit + 1 : (size_t)size;
		JSValue pair = JS_NewArray(ctx);
		JS_SetPropertyUint32(ctx, pair, 0, text_of(ctx, name));
		JS_SetPropertyUint32(ctx, pair, 1, hex_of(ctx, value, kept));
		JS_SetPropertyUint32(ctx, found, count++, pair);
		bytes += (double)(strlen(name) + kept);
		if (count > a[1].number || bytes > limit) break;
	}
	return found;
}

int drop_attributes(double fd, const char *kept_names, size_t kept_bytes)
{
	static char names[XATTR_LIST_MAX];
	char path[FD_PATH];
	ssize_t length = listxattr(fd_path(fd, path), names, sizeof names);
	if (length < 0) return errno == EOPNOTSUPP ? 0 : -1;
	for (char *name = names; name < names + length; name += strlen(name) + 1) {
		size_t size = strlen(name) + 1;
		int is_kept = !is_carried(name);
		for (size_t at = 0; at < kept_bytes && !is_kept;) {
			const char *kept = kept_names + at;
			size_t rest = strnlen(kept, kept_bytes - at) + 1;
			is_kept = rest == size && at + rest <= kept_bytes && !memcmp(kept, name, size);
			at += rest;
		}
		if (!is_kept && removexattr(path, name) < 0 && errno != ENODATA) return -1;
	}
	return 0;
}

static JSValue keep_attributes(JSContext *ctx, const struct argument *a)
{
	return result_of(ctx, drop_attributes(a[0].number, (const char *)a[1].bytes, a[1].length));
}

static JSValue set_attribute(JSContext *ctx, const struct argument *a)
{
	char path[FD_PATH];
	if (!is_carried(a[1].text)) {
		errno = EPERM;
		return result_of(ctx, -1);
	}
	return result_of(ctx, setxattr(fd_path(a[0].number, path), a[1].text, a[2].bytes, a[2].length, 0));
}

static JSValue drop_acls(JSContext *ctx, const struct argument *a)
{
	int result = drop_attribute(a[0].number, "system.posix_acl_access");
	return result_of(ctx, result < 0 ? result : drop_attribute(a[0].number, "system.posix_acl_default"));
}

int drop_rights_of(int fd)
{
	char path[FD_PATH];
	struct stat s;
	if (fstat(fd, &s) < 0) return -1;
	if (s.st_mode & (S_ISUID | S_ISGID) && chmod(fd_path(fd, path), s.st_mode & 0777) < 0) return -1;
	return drop_attribute(fd, "security.capability");
}

static JSValue drop_rights(JSContext *ctx, const struct argument *a)
{
	return result_of(ctx, drop_rights_of((int)a[0].number));
}

const struct host_entry attributes_entries[] = {
	{ "attributesOf", "nnn", attributes_of },
	{ "keepAttributes", "nb", keep_attributes },
	{ "setAttribute", "nsb", set_attribute },
	{ "dropAcls", "n", drop_acls },
	{ "dropRights", "n", drop_rights },
	{ NULL, NULL, NULL },
};
