/* Shared by the C files that work through descriptors beneath a root. */
#ifndef HOST_BENEATH_H
#define HOST_BENEATH_H

#include <stddef.h>
#include <stdint.h>
#include "host.h"

enum { FD_PATH = 32 };

/* The bytes of a path or a target, in PATH_MAX bytes; false and ENAMETOOLONG if they do not fit. */
int bytes_of(const char *text, char *bytes);
/* The same for one name: anything else could lead out of its directory; false and EINVAL. */
int name_of(const char *text, char *bytes);
/* The text of a name or a target. */
JSValue text_of(JSContext *ctx, const char *bytes);
/* The result of a system call: 0 or more, or -errno. */
JSValue result_of(JSContext *ctx, int result);
/* The path of an open file, in FD_PATH bytes; needs /proc. */
const char *fd_path(double fd, char *path);
/* Opens a path beneath a directory, through no link (openat2); a descriptor or -1. */
int look_beneath(int directory, const char *path, int flags, uint64_t resolve);
/* Removes the attributes that an image carries, except those whose names, each with a NUL, are given; 0 or -1. */
int drop_attributes(double fd, const char *kept_names, size_t kept_bytes);
/* Takes set-user-id, set-group-id and file capabilities from an open file; 0 or -1. */
int drop_rights_of(int fd);

#endif
