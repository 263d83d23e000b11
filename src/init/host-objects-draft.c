/* The files of contents that are not verified yet, and the one that is kept from a broken session to the next. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host-objects.h"

struct kept_draft kept_draft = { .directory = -1 };

void content_path(const struct content *c, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "%.2s/%s", c->hex, c->hex + 2);
}

void draft_path(const struct content *c, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "%.2s/%s.new%zu", c->hex, c->hex + 2, (size_t)(c - objects.contents));
}

int draft_create(const struct content *c)
{
	char path[PATH_BYTES], directory[3] = { c->hex[0], c->hex[1], 0 };
	draft_path(c, path);
	for (int tries = 0;; tries++) {
		int file = openat(objects.directory, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (file >= 0 || tries == 2) return file;
		/* the first content of its directory, or the draft of a killed agent */
		int is_mended = errno == ENOENT ? mkdirat(objects.directory, directory, 0700) == 0 || errno == EEXIST
		                                : errno == EEXIST && unlinkat(objects.directory, path, 0) == 0;
		if (!is_mended) return -1;
	}
}

int draft_open_kept(struct worker *w, const struct content *c)
{
	char path[PATH_BYTES];
	struct stat draft;
	draft_path(c, path);
	int file = openat(objects.directory, path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	if (file >= 0 && (fstat(file, &draft) < 0 || (uint64_t)draft.st_size != kept_draft.bytes)) {
		close(file);
		errno = EIO;
		file = -1;
	}
	w->sum = kept_draft.sum;
	w->done = kept_draft.bytes;
	close(kept_draft.directory);
	kept_draft.directory = -1;
	return file;
}

void draft_take_over(void)
{
	char draft[PATH_BYTES];
	draft_path(objects.contents, draft);
	if (renameat(kept_draft.directory, kept_draft.draft, kept_draft.directory, draft) == 0)
		memcpy(kept_draft.draft, draft, sizeof draft);
}

void draft_forget(void)
{
	if (kept_draft.directory < 0) return;
	unlinkat(kept_draft.directory, kept_draft.draft, 0);
	close(kept_draft.directory);
	kept_draft.directory = -1;
}

void draft_drop(struct worker *w)
{
	char path[PATH_BYTES];
	draft_path(w->open, path);
	if (w->file >= 0) close(w->file);
	w->file = -1;
	unlinkat(objects.directory, path, 0);
}

void draft_keep(struct worker *w)
{
	close(w->file);
	w->file = -1;
	memcpy(kept_draft.hex, w->open->hex, sizeof kept_draft.hex);
	draft_path(w->open, kept_draft.draft);
	kept_draft.bytes = w->done;
	kept_draft.sum = w->sum;
	kept_draft.directory = fcntl(objects.directory, F_DUPFD_CLOEXEC, 0);
}
