/* Mounts, modules, devices, file modes and clock: one system call each, for the module `host`. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/major.h>
#include <linux/raid/md_p.h>
#include <linux/raid/md_u.h>
#include <linux/rtc.h>
#include <linux/watchdog.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "host.h"

static JSValue host_mount(JSContext *ctx, const struct argument *a)
{
	int result = mount(a[0].text, a[1].text, a[2].text, (unsigned long)a[3].number, a[4].text);
	return HOST_CHECK(ctx, result, "mount %s on %s as %s", a[0].text, a[1].text, a[2].text);
}

static JSValue host_unmount(JSContext *ctx, const struct argument *a)
{
	return HOST_CHECK(ctx, umount2(a[0].text, (int)a[1].number), "unmount %s", a[0].text);
}

/* Copies an array of strings for execv; the copy is not freed, because either exec succeeds or the caller fails. */
static char **read_strings(JSContext *ctx, JSValueConst array)
{
	uint32_t count = 0;
	JSValue length = JS_GetPropertyStr(ctx, array, "length");
	if (JS_ToUint32(ctx, &count, length)) return NULL;
	if (count == 0 || count > 256) {
		host_throw(ctx, "command: expected 1 to 256 arguments, found %u", count);
		return NULL;
	}
	char **strings = calloc(count + 1, sizeof *strings);
	for (uint32_t i = 0; strings && i < count; i++) {
		JSValue item = JS_GetPropertyUint32(ctx, array, i);
		const char *text = JS_ToCString(ctx, item);
		JS_FreeValue(ctx, item);
		if (!text) return NULL;
		strings[i] = strdup(text);
		JS_FreeCString(ctx, text);
	}
	return strings;
}

static JSValue host_switch_root(JSContext *ctx, const struct argument *a)
{
	char **arguments = read_strings(ctx, a[1].js);
	if (!arguments) return JS_EXCEPTION;
	if (chdir(a[0].text) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return host_throw_errno(ctx, "switchRoot %s", a[0].text);
	execvp(arguments[0], arguments);
	return host_throw_errno(ctx, "switchRoot %s: exec %s", a[0].text, arguments[0]);
}

static JSValue host_reboot(JSContext *ctx, const struct argument *a)
{
	int how = !strcmp(a[0].text, "powerOff") ? RB_POWER_OFF : !strcmp(a[0].text, "halt") ? RB_HALT_SYSTEM : RB_AUTOBOOT;
	sync();
	return HOST_CHECK(ctx, reboot(how), "reboot %s", a[0].text);
}

static JSValue host_sync(JSContext *ctx, const struct argument *a)
{
	(void)ctx;
	(void)a;
	sync();
	return JS_UNDEFINED;
}

/*
 * sync(2) in a process of its own, which this one need not wait for; without room for one, this one syncs. PID 1 may have reaped it
 * already: then it has ended, too.
 */
static JSValue host_sync_within(JSContext *ctx, const struct argument *a)
{
	static pid_t syncing;
	double left_ms = a[0].number;
	(void)ctx;
	if (syncing <= 0 && (syncing = fork()) == 0) {
		sync();
		_exit(0);
	}
	if (syncing < 0) {
		sync();
		return JS_TRUE;
	}
	for (long pause_ms = 1; waitpid(syncing, NULL, WNOHANG) == 0; pause_ms = pause_ms < 32 ? pause_ms * 2 : 32) {
		if (left_ms <= 0) return JS_FALSE;
		struct timespec pause = { .tv_nsec = pause_ms * 1000000 };
		nanosleep(&pause, NULL);
		left_ms -= (double)pause_ms;
	}
	syncing = 0;
	return JS_TRUE;
}

static JSValue host_fsync(JSContext *ctx, const struct argument *a)
{
	return HOST_CHECK(ctx, fsync((int)a[0].number), "fsync");
}

static JSValue host_load_module(JSContext *ctx, const struct argument *a)
{
	int fd = open(a[0].text, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return host_throw_errno(ctx, "loadModule %s", a[0].text);
	int result = (int)syscall(SYS_finit_module, fd, a[1].text, 0);
	if (result < 0 && errno == EEXIST) result = 0;
	JSValue answer = HOST_CHECK(ctx, result, "loadModule %s", a[0].text);
	close(fd);
	return answer;
}

static JSValue host_watchdog_timeout(JSContext *ctx, const struct argument *a)
{
	int seconds = (int)a[1].number;
	if (ioctl((int)a[0].number, WDIOC_SETTIMEOUT, &seconds) < 0) return host_throw_errno(ctx, "watchdogTimeout");
	return JS_NewInt32(ctx, seconds);
}

static JSValue host_set_immutable(JSContext *ctx, const struct argument *a)
{
	int flags = 0, fd = open(a[0].text, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return host_throw_errno(ctx, "setImmutable %s", a[0].text);
	int result = ioctl(fd, FS_IOC_GETFLAGS, &flags);
	flags = JS_ToBool(ctx, a[1].js) ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
	if (result == 0) result = ioctl(fd, FS_IOC_SETFLAGS, &flags);
	JSValue answer = HOST_CHECK(ctx, result, "setImmutable %s", a[0].text);
	close(fd);
	return answer;
}

/* Opens a device, does one ioctl, closes it. */
static int device_ioctl(const char *path, unsigned long request, void *value)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return -1;
	int result = request == BLKFLSBUF ? fsync(fd) : 0;
	if (result == 0) result = ioctl(fd, request, value);
	int reason = errno;
	close(fd);
	errno = reason;
	return result;
}

static JSValue host_reread_partitions(JSContext *ctx, const struct argument *a)
{
	return HOST_CHECK(ctx, device_ioctl(a[0].text, BLKRRPART, NULL), "rereadPartitions %s", a[0].text);
}

static JSValue host_flush_device_cache(JSContext *ctx, const struct argument *a)
{
	return HOST_CHECK(ctx, device_ioctl(a[0].text, BLKFLSBUF, NULL), "flushDeviceCache %s", a[0].text);
}

/* As a member in sync: the kernel takes it only if its bitmap has all that the member has missed (drivers/md/md.c). */
static JSValue host_md_rejoin(JSContext *ctx, const struct argument *a)
{
	struct stat member;
	int number = (int)a[2].number;
	int result = stat(a[1].text, &member);
	if (result == 0) {
		mdu_disk_info_t info = { .number = number, .raid_disk = number, .state = 1 << MD_DISK_SYNC,
		                         .major = (int)major(member.st_rdev), .minor = (int)minor(member.st_rdev) };
		result = device_ioctl(a[0].text, ADD_NEW_DISK, &info);
	}
	return HOST_CHECK(ctx, result, "mdRejoin %s: %s", a[0].text, a[1].text);
}

/*
 * The disk is asked for this many places before the first answer is awaited: one after the other, each costs a round trip,
 * which under emulation takes milliseconds. What the caller looks at next there, the second copy of a LUKS header, is read
 * with it.
 */
enum { AT_ONCE = 64, READ_WITH_IT = 20 * 1024 };

static void read_ahead(int fd, double first, double stride, double count)
{
	for (double i = 0; i < count && i < AT_ONCE; i++)
		posix_fadvise(fd, (off_t)(first + i * stride), READ_WITH_IT, POSIX_FADV_WILLNEED);
}

/* Reads beyond the end of the device find nothing. */
static JSValue host_find_bytes(JSContext *ctx, const struct argument *a)
{
	uint8_t bytes[16];
	size_t length = a[1].length;
	uint32_t found = 0;
	if (length == 0 || length > sizeof bytes)
		return host_throw(ctx, "findBytes: expected 1 to %zu bytes, found %zu", sizeof bytes, length);
	int fd = open(a[0].text, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return host_throw_errno(ctx, "findBytes %s", a[0].text);
	JSValue answer = JS_NewArray(ctx);
	for (double i = 0; i < a[4].number; i++) {
		double at = a[2].number + i * a[3].number;
		if (fmod(i, AT_ONCE) == 0) read_ahead(fd, at, a[3].number, a[4].number - i);
		ssize_t count = pread(fd, bytes, length, (off_t)at);
		if (count < 0) {
			JS_FreeValue(ctx, answer);
			answer = host_throw_errno(ctx, "findBytes %s at %.0f", a[0].text, at);
			break;
		}
		if ((size_t)count < length) break;
		if (!memcmp(bytes, a[1].bytes, length)) JS_SetPropertyUint32(ctx, answer, found++, JS_NewFloat64(ctx, at));
	}
	close(fd);
	return answer;
}

static JSValue host_discard(JSContext *ctx, const struct argument *a)
{
	uint64_t range[2] = { (uint64_t)a[1].number, (uint64_t)a[2].number };
	int fd = open(a[0].text, O_WRONLY | O_CLOEXEC);
	if (fd < 0) return host_throw_errno(ctx, "discard %s", a[0].text);
	JSValue answer = HOST_CHECK(ctx, ioctl(fd, BLKDISCARD, range), "discard %s", a[0].text);
	close(fd);
	return answer;
}

static JSValue host_statfs(JSContext *ctx, const struct argument *a)
{
	struct statfs s;
	if (statfs(a[0].text, &s) < 0) return host_throw_errno(ctx, "statfs %s", a[0].text);
	JSValue answer = JS_NewObject(ctx);
	JS_SetPropertyStr(ctx, answer, "totalBytes", JS_NewFloat64(ctx, (double)s.f_blocks * (double)s.f_bsize));
	JS_SetPropertyStr(ctx, answer, "freeBytes", JS_NewFloat64(ctx, (double)s.f_bavail * (double)s.f_bsize));
	JS_SetPropertyStr(ctx, answer, "freeInodes", JS_NewFloat64(ctx, (double)s.f_ffree));
	return answer;
}

struct timespec host_timespec(double ms)
{
	double seconds = floor(ms / 1000);
	return (struct timespec){ .tv_sec = (time_t)seconds, .tv_nsec = (long)((ms - seconds * 1000) * 1e6) };
}

static JSValue host_set_time(JSContext *ctx, const struct argument *a)
{
	struct timespec now = host_timespec(a[0].number);
	return HOST_CHECK(ctx, clock_settime(CLOCK_REALTIME, &now), "setTime");
}

/* The clock of the board, in UTC. */
static JSValue host_set_hardware_clock(JSContext *ctx, const struct argument *a)
{
	time_t seconds = (time_t)(a[1].number / 1000);
	struct tm t;
	if (!gmtime_r(&seconds, &t)) return host_throw_errno(ctx, "setHardwareClock");
	struct rtc_time time = { .tm_sec = t.tm_sec, .tm_min = t.tm_min, .tm_hour = t.tm_hour,
	                         .tm_mday = t.tm_mday, .tm_mon = t.tm_mon, .tm_year = t.tm_year };
	return HOST_CHECK(ctx, device_ioctl(a[0].text, RTC_SET_TIME, &time), "setHardwareClock %s", a[0].text);
}

/* Of the machines that this program runs on, by Debian's names (core/machine/architecture.ts). */
static JSValue host_architecture(JSContext *ctx, const struct argument *a)
{
	(void)a;
#if defined(__aarch64__)
	return JS_NewString(ctx, "arm64");
#elif defined(__x86_64__)
	return JS_NewString(ctx, "amd64");
#else
#error "expected amd64 or arm64"
#endif
}

static JSValue host_monotonic_ms(JSContext *ctx, const struct argument *a)
{
	struct timespec now;
	(void)a;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return JS_NewFloat64(ctx, (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6);
}

static JSValue host_random_bytes(JSContext *ctx, const struct argument *a)
{
	uint8_t bytes[256];
	if (!(a[0].number >= 0 && a[0].number <= sizeof bytes))
		return host_throw(ctx, "randomBytes: expected a count of 0 to %zu, found %g", sizeof bytes, a[0].number);
	size_t count = (size_t)a[0].number;
	/* getrandom(2): requests of up to 256 bytes are never interrupted or cut short */
	if (getrandom(bytes, count, 0) != (ssize_t)count) return host_throw_errno(ctx, "randomBytes");
	return JS_NewArrayBufferCopy(ctx, bytes, count);
}

static JSValue host_hostname(JSContext *ctx, const struct argument *a)
{
	return HOST_CHECK(ctx, sethostname(a[0].text, strlen(a[0].text)), "hostname %s", a[0].text);
}

static JSValue host_chmod(JSContext *ctx, const struct argument *a)
{
	return HOST_CHECK(ctx, chmod(a[0].text, (mode_t)a[1].number), "chmod %s", a[0].text);
}

const struct host_entry system_entries[] = {
	{ "mount", "sssns", host_mount },
	{ "unmount", "sn", host_unmount },
	{ "switchRoot", "sv", host_switch_root },
	{ "reboot", "s", host_reboot },
	{ "sync", "", host_sync },
	{ "syncWithin", "n", host_sync_within },
	{ "fsync", "n", host_fsync },
	{ "loadModule", "ss", host_load_module },
	{ "watchdogTimeout", "nn", host_watchdog_timeout },
	{ "mdRejoin", "ssn", host_md_rejoin },
	{ "setImmutable", "sv", host_set_immutable },
	{ "rereadPartitions", "s", host_reread_partitions },
	{ "flushDeviceCache", "s", host_flush_device_cache },
	{ "findBytes", "sbnnn", host_find_bytes },
	{ "discard", "snn", host_discard },
	{ "statfs", "s", host_statfs },
	{ "setTime", "n", host_set_time },
	{ "setHardwareClock", "sn", host_set_hardware_clock },
	{ "architecture", "", host_architecture },
	{ "monotonicMs", "", host_monotonic_ms },
	{ "randomBytes", "n", host_random_bytes },
	{ "hostname", "s", host_hostname },
	{ "chmod", "sn", host_chmod },
	{ NULL, NULL, NULL },
};
