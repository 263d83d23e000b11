/*
 * File systems through descriptors, for the module `host`: paths are resolved beneath a directory, through no symbolic
 * link and into no other mount, and every change is of one name in an open directory. Results are 0 or more, or -errno.
 * A name is bytes: one that is not UTF-8 has U+DC80 to U+DCFF in place of its invalid bytes (as in Python's PEP 383).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "host.h"
#include "host-beneath.h"

static JSValue number(JSContext *ctx, int result)
{
	return JS_NewInt32(ctx, result < 0 ? -errno : result);
}

int bytes_of(const char *text, char *bytes)
{
	const unsigned char *from = (const unsigned char *)text;
	size_t length = 0;
	while (*from) {
		if (length == PATH_MAX - 1) {
			errno = ENAMETOOLONG;
			return 0;
		}
		int escaped = from[0] == 0xed && (from[1] == 0xb2 || from[1] == 0xb3);
		bytes[length++] = (char)(escaped ? (from[1] == 0xb2 ? from[2] : from[2] + 0x40) : *from);
		from += escaped ? 3 : 1;
	}
	bytes[length] = 0;
	return 1;
}

/* One name: anything else could lead out of its directory. */
static int name_of(const char *text, char *bytes)
{
	if (!bytes_of(text, bytes)) return 0;
	if (*bytes && strcmp(bytes, ".") && strcmp(bytes, "..") && !strchr(bytes, '/')) return 1;
	errno = EINVAL;
	return 0;
}

/* How many bytes the UTF-8 sequence (RFC 3629) at an offset has; 0 if it is none. */
static int sequence_length(const unsigned char *p)
{
	if (p[0] < 0x80) return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4) return 0;
	int length = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	for (int i = 1; i < length; i++)
		if ((p[i] & 0xc0) != 0x80) return 0;
	int overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
	int outside = (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f);
	return overlong || outside ? 0 : length;
}

static JSValue text_of(JSContext *ctx, const char *bytes)
{
	char text[3 * PATH_MAX];
	const unsigned char *from = (const unsigned char *)bytes;
	size_t length = 0;
	while (*from && length + 4 < sizeof text) {
		int count = sequence_length(from);
		if (count) {
			memcpy(text + length, from, (size_t)count);
			length += (size_t)count;
			from += count;
			continue;
		}
		text[length++] = (char)0xed;
		text[length++] = (char)(*from < 0xc0 ? 0xb2 : 0xb3);
		text[length++] = (char)(*from < 0xc0 ? *from : *from - 0x40);
		from++;
	}
	return JS_NewStringLen(ctx, text, length);
}

const char *fd_path(double fd, char *path)
{
	snprintf(path, FD_PATH, "/proc/self/fd/%d", (int)fd);
	return path;
}

int look_beneath(int directory, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = { .flags = (uint64_t)(O_CLOEXEC | O_NOFOLLOW | flags),
	                        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | resolve };
	/* EAGAIN: a rename somewhere in the system disturbed the resolution of .. (openat2(2)); paths here have none. */
	return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

static JSValue open_root(JSContext *ctx, const struct argument *a)
{
	return number(ctx, open(a[0].text, O_PATH | O_DIRECTORY | O_CLOEXEC));
}

static JSValue open_beneath(JSContext *ctx, const struct argument *a)
{
	char path[PATH_MAX];
	int is_directory = !strcmp(a[2].text, "directory"), is_mount = !strcmp(a[2].text, "mount");
	int flags = (is_directory ? O_RDONLY : O_PATH) | (is_directory || is_mount ? O_DIRECTORY : 0);
	if (!bytes_of(a[1].text, path)) return number(ctx, -1);
	return number(ctx, look_beneath((int)a[0].number, path, flags, is_mount ? 0 : RESOLVE_NO_XDEV));
}

static JSValue reopen(JSContext *ctx, const struct argument *a)
{
	char path[FD_PATH];
	struct stat s;
	if (fstat((int)a[0].number, &s) < 0) return number(ctx, -1);
	errno = EINVAL;
	if (!S_ISREG(s.st_mode)) return number(ctx, -1);
	return number(ctx, open(fd_path(a[0].number, path), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

static JSValue create_at(JSContext *ctx, const struct argument *a)
{
	char name[PATH_MAX];
	if (!name_of(a[1].text, name)) return number(ctx, -1);
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	return number(ctx, openat((int)a[0].number, name, flags, 0600));
}

static void set(JSContext *ctx, JSValue object, const char *name, double value)
{
	JS_SetPropertyStr(ctx, object, name, JS_NewFloat64(ctx, value));
}

static JSValue stat_of(JSContext *ctx, const struct argument *a)
{
	struct stat s;
	if (fstat((int)a[0].number, &s) < 0) return number(ctx, -1);
	JSValue answer = JS_NewObject(ctx);
	set(ctx, answer, "dev", (double)s.st_dev);
	set(ctx, answer, "ino", (double)s.st_ino);
	set(ctx, answer, "mode", s.st_mode);
	set(ctx, answer, "nlink", (double)s.st_nlink);
	set(ctx, answer, "uid", s.st_uid);
	set(ctx, answer, "gid", s.st_gid);
	set(ctx, answer, "rdev", (double)s.st_rdev);
	set(ctx, answer, "size", (double)s.st_size);
	set(ctx, answer, "blocks", (double)s.st_blocks);
	set(ctx, answer, "mtimeMs", (double)s.st_mtim.tv_sec * 1000 + (double)(s.st_mtim.tv_nsec / 1000000));
	return answer;
}

static JSValue names_in(JSContext *ctx, const struct argument *a)
{
	int fd = fcntl((int)a[0].number, F_DUPFD_CLOEXEC, 0);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	uint32_t count = 0;
	if (!directory) return number(ctx, -1);
	rewinddir(directory);
	JSValue names = JS_NewArray(ctx);
	errno = 0;
	while (count < a[1].number && (entry = readdir(directory))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
		JS_SetPropertyUint32(ctx, names, count++, text_of(ctx, entry->d_name));
	}
	int reason = errno;
	closedir(directory);
	errno = reason;
	if (!reason) return names;
	JS_FreeValue(ctx, names);
	return number(ctx, -1);
}

static JSValue target_of(JSContext *ctx, const struct argument *a)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat((int)a[0].number, "", target, sizeof target - 1);
	if (length < 0) return number(ctx, -1);
	target[length] = 0;
	return text_of(ctx, target);
}

static JSValue make_directory_at(JSContext *ctx, const struct argument *a)
{
	char name[PATH_MAX];
	return number(ctx, name_of(a[1].text, name) ? mkdirat((int)a[0].number, name, (mode_t)a[2].number) : -1);
}

static JSValue remove_at(JSContext *ctx, const struct argument *a)
{
	char name[PATH_MAX];
	int flags = JS_ToBool(ctx, a[2].js) ? AT_REMOVEDIR : 0;
	return number(ctx, name_of(a[1].text, name) ? unlinkat((int)a[0].number, name, flags) : -1);
}

static JSValue rename_at(JSContext *ctx, const struct argument *a)
{
	char from[PATH_MAX], to[PATH_MAX];
	if (!name_of(a[1].text, from) || !name_of(a[3].text, to)) return number(ctx, -1);
	unsigned flags = JS_ToBool(ctx, a[4].js) ? 0 : RENAME_NOREPLACE;
	return number(ctx, renameat2((int)a[0].number, from, (int)a[2].number, to, flags));
}

static JSValue link_at(JSContext *ctx, const struct argument *a)
{
	char name[PATH_MAX], path[FD_PATH];
	if (!name_of(a[2].text, name)) return number(ctx, -1);
	return number(ctx, linkat(AT_FDCWD, fd_path(a[0].number, path), (int)a[1].number, name, AT_SYMLINK_FOLLOW));
}

static JSValue symlink_at(JSContext *ctx, const struct argument *a)
{
	char name[PATH_MAX], target[PATH_MAX];
	if (!bytes_of(a[0].text, target) || !name_of(a[2].text, name)) return number(ctx, -1);
	return number(ctx, symlinkat(target, (int)a[1].number, name));
}

static JSValue make_node_at(JSContext *ctx, const struct argument *a)
{
	char name[PATH_MAX];
	if (!name_of(a[1].text, name)) return number(ctx, -1);
	return number(ctx, mknodat((int)a[0].number, name, (mode_t)a[2].number, (dev_t)a[3].number));
}

static JSValue set_owner(JSContext *ctx, const struct argument *a)
{
	uid_t uid = (uid_t)a[1].number;
	gid_t gid = (gid_t)a[2].number;
	return number(ctx, fchownat((int)a[0].number, "", uid, gid, AT_EMPTY_PATH));
}

/* fchmod refuses descriptors of O_PATH, and fchmodat2 is younger than the kernels of some images (6.6). */
static JSValue set_mode(JSContext *ctx, const struct argument *a)
{
	char path[FD_PATH];
	return number(ctx, chmod(fd_path(a[0].number, path), (mode_t)a[1].number));
}

static JSValue set_modified(JSContext *ctx, const struct argument *a)
{
	struct timespec times[2] = { host_timespec(a[1].number), host_timespec(a[1].number) };
	return number(ctx, utimensat((int)a[0].number, "", times, AT_EMPTY_PATH));
}

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
	if (length < 0) return number(ctx, -1);
	JSValue found = JS_NewArray(ctx);
	for (char *name = names; name < names + length; name += strlen(name) + 1) {
		if (!is_carried(name)) continue;
		ssize_t size = getxattr(path, name, value, sizeof value);
		if (size < 0 && errno == ENODATA) continue; /* removed meanwhile */
		if (size < 0) {
			JS_FreeValue(ctx, found);
			return number(ctx, -1);
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
	return number(ctx, drop_attributes(a[0].number, (const char *)a[1].bytes, a[1].length));
}

static JSValue set_attribute(JSContext *ctx, const struct argument *a)
{
	char path[FD_PATH];
	if (!is_carried(a[1].text)) {
		errno = EPERM;
		return number(ctx, -1);
	}
	return number(ctx, setxattr(fd_path(a[0].number, path), a[1].text, a[2].bytes, a[2].length, 0));
}

static JSValue drop_acls(JSContext *ctx, const struct argument *a)
{
	int result = drop_attribute(a[0].number, "system.posix_acl_access");
	return number(ctx, result < 0 ? result : drop_attribute(a[0].number, "system.posix_acl_default"));
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
	return number(ctx, drop_rights_of((int)a[0].number));
}

const struct host_entry beneath_entries[] = {
	{ "openRoot", "s", open_root },
	{ "openBeneath", "nss", open_beneath },
	{ "reopen", "n", reopen },
	{ "createAt", "ns", create_at },
	{ "statOf", "n", stat_of },
	{ "namesIn", "nn", names_in },
	{ "targetOf", "n", target_of },
	{ "makeDirectoryAt", "nsn", make_directory_at },
	{ "removeAt", "nsv", remove_at },
	{ "renameAt", "nsnsv", rename_at },
	{ "linkAt", "nns", link_at },
	{ "symlinkAt", "sns", symlink_at },
	{ "makeNodeAt", "nsnn", make_node_at },
	{ "setOwner", "nnn", set_owner },
	{ "setMode", "nn", set_mode },
	{ "setModified", "nn", set_modified },
	{ "attributesOf", "nnn", attributes_of },
	{ "keepAttributes", "nb", keep_attributes },
	{ "setAttribute", "nsb", set_attribute },
	{ "dropAcls", "n", drop_acls },
	{ "dropRights", "n", drop_rights },
	{ NULL, NULL, NULL },
};
