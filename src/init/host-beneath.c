/*
 * File systems through descriptors, for the module `host`: paths are resolved beneath a directory, through no symbolic
 * link and into no other mount, and every change is of one name in an open directory. Results are 0 or more, or -errno.
 * host-names.c says what a name is.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "host.h"
#include "host-beneath.h"

JSValue result_of(JSContext *ctx, int result)
{
	return JS_NewInt32(ctx, result < 0 ? -errno : result);
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
	return result_of(ctx, open(a[0].text, O_PATH | O_DIRECTORY | O_CLOEXEC));
}

static JSValue open_beneath(JSContext *ctx, const struct argument *a)
{
	char path[PATH_MAX];
	int is_directory = !strcmp(a[2].text, "directory"), is_mount = !strcmp(a[2].text, "mount");
	int flags = (is_directory ? O_RDONLY : O_PATH) | (is_directory || is_mount ? O_DIRECTORY : 0);
	if (!bytes_of(a[1].text, path)) return result_of(ctx, -1);
	return result_of(ctx, look_beneath((int)a[0].number, path, flags, is_mount ? 0 : RESOLVE_NO_XDEV));
}

static JSValue reopen(JSContext *ctx, const struct argument *a)
{
	char path[FD_PATH];
	struct stat s;
	if (fstat((int)a[0].number, &s) < 0) return result_of(ctx, -1);
	errno = EINVAL;
	if (!S_ISREG(s.st_mode)) return result_of(ctx, -1);
	return result_of(ctx, open(fd_path(a[0].number, path), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

static JSValue create_at(JSContext *ctx, const struct argument *a)
{
	char name[PATH_MAX];
	if (!name_of(a[1].text, name)) return result_of(ctx, -1);
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	return result_of(ctx, openat((int)a[0].number, name, flags, 0600));
}

static void set(JSContext *ctx, JSValue object, const char *name, double value)
{
	JS_SetPropertyStr(ctx, object, name, JS_NewFloat64(ctx, value));
}

static JSValue stat_of(JSContext *ctx, const struct argument *a)
{
	struct stat s;
	if (fstat((int)a[0].number, &s) < 0) return result_of(ctx, -1);
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
	if (!directory) return result_of(ctx, -1);
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
	return result_of(ctx, -1);
}

static JSValue target_of(JSContext *ctx, const struct argument *a)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat((int)a[0].number, "", target, sizeof target - 1);
	if (length < 0) return result_of(ctx, -1);
	target[length] = 0;
	return text_of(ctx, target);
}

static JSValue make_directory_at(JSContext *ctx, const struct argument *a)
{
	char name[PATH_MAX];
	return result_of(ctx, name_of(a[1].text, name) ? mkdirat((int)a[0].number, name, (mode_t)a[2].number) : -1);
}

static JSValue remove_at(JSContext *ctx, const struct argument *a)
{
	char name[PATH_MAX];
	int flags = JS_ToBool(ctx, a[2].js) ? AT_REMOVEDIR : 0;
	return result_of(ctx, name_of(a[1].text, name) ? unlinkat((int)a[0].number, name, flags) : -1);
}

static JSValue rename_at(JSContext *ctx, const struct argument *a)
{
	char from[PATH_MAX], to[PATH_MAX];
	if (!name_of(a[1].text, from) || !name_of(a[3].text, to)) return result_of(ctx, -1);
	unsigned flags = JS_ToBool(ctx, a[4].js) ? 0 : RENAME_NOREPLACE;
	return result_of(ctx, renameat2((int)a[0].number, from, (int)a[2].number, to, flags));
}

static JSValue link_at(JSContext *ctx, const struct argument *a)
{
	char name[PATH_MAX], path[FD_PATH];
	if (!name_of(a[2].text, name)) return result_of(ctx, -1);
	return result_of(ctx, linkat(AT_FDCWD, fd_path(a[0].number, path), (int)a[1].number, name, AT_SYMLINK_FOLLOW));
}

static JSValue symlink_at(JSContext *ctx, const struct argument *a)
{
	char name[PATH_MAX], target[PATH_MAX];
	if (!bytes_of(a[0].text, target) || !name_of(a[2].text, name)) return result_of(ctx, -1);
	return result_of(ctx, symlinkat(target, (int)a[1].number, name));
}

static JSValue make_node_at(JSContext *ctx, const struct argument *a)
{
	char name[PATH_MAX];
	if (!name_of(a[1].text, name)) return result_of(ctx, -1);
	return result_of(ctx, mknodat((int)a[0].number, name, (mode_t)a[2].number, (dev_t)a[3].number));
}

static JSValue set_owner(JSContext *ctx, const struct argument *a)
{
	uid_t uid = (uid_t)a[1].number;
	gid_t gid = (gid_t)a[2].number;
	return result_of(ctx, fchownat((int)a[0].number, "", uid, gid, AT_EMPTY_PATH));
}

/* fchmod refuses descriptors of O_PATH, and fchmodat2 is younger than the kernels of some images (6.6). */
static JSValue set_mode(JSContext *ctx, const struct argument *a)
{
	char path[FD_PATH];
	return result_of(ctx, chmod(fd_path(a[0].number, path), (mode_t)a[1].number));
}

static JSValue set_modified(JSContext *ctx, const struct argument *a)
{
	struct timespec times[2] = { host_timespec(a[1].number), host_timespec(a[1].number) };
	return result_of(ctx, utimensat((int)a[0].number, "", times, AT_EMPTY_PATH));
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
	{ NULL, NULL, NULL },
};
