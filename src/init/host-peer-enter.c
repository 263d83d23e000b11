/*
 * The confinement of the program that serves contents. As root it ends with a mount namespace of one read-only
 * directory, a user of its own without capabilities, and no way to another program. It may read files of root, because
 * the user that file systems see stays root: contents have mode 0600, and become files of the system as they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "host-peer.h"

/*
 * No system gives the users and groups PEER_OPENER and PEER_SERVER to anybody: systemd's dynamic ones end at 65519, and 65534
 * is nobody.
 */
enum { MAX_FILES = 64, MAX_MEMORY = 64 << 20 };

#define DEMAND(call) do { if ((call) < 0) { *failed = #call; return -1; } } while (0)

/* The source becomes the root, read-only, and no other mount stays, so that none is kept from being unmounted. */
static int enter_directory(struct peer_place place, const char **failed)
{
	DEMAND(unshare(CLONE_NEWNS));
	DEMAND(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	DEMAND(mount(place.source, place.at, NULL, MS_BIND, NULL));
	DEMAND(mount(NULL, place.at, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
	DEMAND(chdir(place.at));
	DEMAND(syscall(SYS_pivot_root, ".", "."));
	DEMAND(umount2(".", MNT_DETACH));
	DEMAND(chdir("/"));
	return 0;
}

static int set_capabilities(uint32_t which)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { .effective = which, .permitted = which } };
	return (int)syscall(SYS_capset, &header, data);
}

static int change_user(uid_t user, const char **failed)
{
	DEMAND(setgroups(0, NULL));
	DEMAND(setresgid(user, user, user));
	DEMAND(prctl(PR_SET_KEEPCAPS, 1));
	DEMAND(setresuid(user, user, user));
	DEMAND(set_capabilities(1u << CAP_SETUID));
	setfsuid(0); /* it does not say whether it failed; the next one does */
	DEMAND(setfsuid((uid_t)-1) == 0 ? 0 : -1);
	DEMAND(set_capabilities(0));
	return 0;
}

static int limit(int which, rlim_t most)
{
	struct rlimit value = { .rlim_cur = most, .rlim_max = most };
	return setrlimit((__rlimit_resource_t)which, &value);
}

int peer_enter(struct peer_place place, const char **failed)
{
	int is_root = geteuid() == 0;
	int fd = open(place.source, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DEMAND(fd);
	if (is_root) {
		close(fd);
		if (enter_directory(place, failed) < 0) return -1;
		DEMAND(fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
	}
	DEMAND(limit(RLIMIT_NOFILE, MAX_FILES));
	DEMAND(limit(RLIMIT_FSIZE, 0));
	DEMAND(limit(RLIMIT_CORE, 0));
#ifndef __SANITIZE_ADDRESS__
	DEMAND(limit(RLIMIT_AS, MAX_MEMORY));
#endif
	if (is_root) {
		if (change_user(place.user, failed) < 0) return -1;
		DEMAND(limit(RLIMIT_NPROC, 0));
	}
	DEMAND(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	DEMAND(prctl(PR_SET_DUMPABLE, 0));
	/* after the change of user, which clears it */
	DEMAND(prctl(PR_SET_PDEATHSIG, SIGKILL));
	return fd;
}
