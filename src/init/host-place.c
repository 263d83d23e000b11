/*
 * Moves a fetched content to the path of a file, for the module `host`: what apply-step.ts does with the functions of
 * host-beneath.c, in one call, because an image has tens of thousands of files. JavaScript between the system calls
 * would take as long as they do.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <linux/limits.h>
#include "host.h"
#include "host-beneath.h"

/* The numbers of a call, in the order of host.d.ts. */
struct facts {
	double uid, gid, mode, modified_ms, drops_attributes;
	double is_seen, seen_dev, seen_ino, seen_type, drops_rights;
	double new_dev, new_ino; /* the answer */
};

/* A name in an open directory. */
struct entry {
	int directory;
	const char *name;
};

/* Opens the directory of a path, which is cut there; -1 if it cannot be opened. */
static int enter(int top, char *path, struct entry *entry)
{
	char *slash = strrchr(path, '/');
	entry->name = slash ? slash + 1 : path;
	if (slash) *slash = 0;
	errno = EINVAL;
	if (!*entry->name || !strcmp(entry->name, ".") || !strcmp(entry->name, "..")) return -1;
	entry->directory = look_beneath(top, slash ? path : ".", O_PATH | O_DIRECTORY, RESOLVE_NO_XDEV);
	return entry->directory;
}

static int look_at(const struct entry *entry)
{
	return look_beneath(entry->directory, entry->name, O_PATH, RESOLVE_NO_XDEV);
}

/*
 * Owner first, because chown(2) clears set-user-id bits and capabilities; time last. Most files of an image are root's and
 * without attributes, as this one is already.
 */
static int set_facts(int fd, struct facts *f)
{
	struct stat s;
	struct timespec times[2] = { host_timespec(f->modified_ms), host_timespec(f->modified_ms) };
	if (fstat(fd, &s) < 0) return -1;
	int is_owned = s.st_uid == (uid_t)f->uid && s.st_gid == (gid_t)f->gid;
	if (!is_owned && fchown(fd, (uid_t)f->uid, (gid_t)f->gid) < 0) return -1;
	if (fchmod(fd, (mode_t)f->mode & 07777) < 0) return -1;
	if (f->drops_attributes && flistxattr(fd, NULL, 0) != 0 && drop_attributes(fd, "", 0) < 0) return -1;
	if (futimens(fd, times) < 0) return -1;
	f->new_dev = (double)s.st_dev;
	f->new_ino = (double)s.st_ino;
	return 0;
}

/* Demands what the scan saw at a name, and takes its rights; -1 for anything else. */
static int disarm(const struct entry *to, const struct facts *f)
{
	struct stat s;
	int fd = look_at(to);
	if (fd < 0) return -1;
	int result = fstat(fd, &s);
	if (result == 0 && ((double)s.st_dev != f->seen_dev || (double)s.st_ino != f->seen_ino ||
	                    (double)(s.st_mode & S_IFMT) != f->seen_type)) {
		errno = EEXIST;
		result = -1;
	}
	if (result == 0 && f->drops_rights && S_ISREG(s.st_mode)) result = drop_rights_of(fd);
	int reason = errno;
	close(fd);
	errno = reason;
	return result;
}

static int move(const struct entry *from, const struct entry *to, struct facts *f)
{
	/* The agent's own file: no user gets there. */
	int fd = look_beneath(from->directory, from->name, O_RDONLY | O_NONBLOCK, RESOLVE_NO_XDEV);
	if (fd < 0) return -1;
	int result = set_facts(fd, f);
	if (result == 0 && f->is_seen) result = disarm(to, f);
	if (result == 0)
		result = renameat2(from->directory, from->name, to->directory, to->name, f->is_seen ? 0 : RENAME_NOREPLACE);
	int reason = errno;
	close(fd);
	errno = reason;
	return result;
}

static JSValue place_object(JSContext *ctx, const struct argument *a)
{
	char object[PATH_MAX], path[PATH_MAX];
	struct facts f;
	struct entry from = { .directory = -1 }, to = { .directory = -1 };
	if (a[3].length != sizeof f) return host_throw(ctx, "placeObject: expected %zu bytes of facts", sizeof f);
	memcpy(&f, a[3].bytes, sizeof f);
	int result = -1, top = -1;
	if (bytes_of(a[1].text, object) && bytes_of(a[2].text, path)) top = open(a[0].text, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top >= 0 && enter(top, object, &from) >= 0 && enter(top, path, &to) >= 0) result = move(&from, &to, &f);
	int reason = errno;
	if (top >= 0) close(top);
	if (from.directory >= 0) close(from.directory);
	if (to.directory >= 0) close(to.directory);
	if (result == 0) memcpy(a[3].bytes, &f, sizeof f);
	return JS_NewInt32(ctx, result < 0 ? -reason : 0);
}

const struct host_entry place_entries[] = {
	{ "placeObject", "sssb", place_object },
	{ NULL, NULL, NULL },
};
