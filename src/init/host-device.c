/* Commands to the firmware of disks, for the module `host`: NVMe administration, and SCSI (also what carries ATA). */
#include <errno.h>
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <scsi/sg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "host.h"

/* A command buffer of nvmeAdmin: eight words of 32 bits in the machine's order. */
enum { OPCODE, NAMESPACE, CDW10, WORDS = 8, SENSE_BYTES = 252, CDB_BYTES = 32 };

/* Without O_NONBLOCK, the kernel waits for a medium that a disk at work does not show. */
static int open_device(const char *path)
{
	return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

/* The kernel returns the status of the completion, or -1. */
static JSValue nvme_admin(JSContext *ctx, const struct argument *a)
{
	uint32_t words[WORDS];
	if (a[1].length != sizeof words)
		return host_throw(ctx, "nvmeAdmin: expected a command of %zu bytes, found %zu", sizeof words, a[1].length);
	memcpy(words, a[1].bytes, sizeof words);
	struct nvme_admin_cmd command = {
		.opcode = (uint8_t)words[OPCODE], .nsid = words[NAMESPACE],
		.addr = (uint64_t)(uintptr_t)a[2].bytes, .data_len = (uint32_t)a[2].length,
		.cdw10 = words[CDW10], .cdw11 = words[CDW10 + 1], .cdw12 = words[CDW10 + 2],
		.cdw13 = words[CDW10 + 3], .cdw14 = words[CDW10 + 4], .cdw15 = words[CDW10 + 5],
		.timeout_ms = (uint32_t)a[3].number,
	};
	int fd = open_device(a[0].text);
	if (fd < 0) return host_throw_errno(ctx, "nvmeAdmin %s", a[0].text);
	int status = ioctl(fd, NVME_IOCTL_ADMIN_CMD, &command), reason = errno;
	close(fd);
	errno = reason;
	if (status < 0) return host_throw_errno(ctx, "nvmeAdmin %s", a[0].text);
	JSValue answer = JS_NewObject(ctx);
	JS_SetPropertyStr(ctx, answer, "status", JS_NewInt32(ctx, status));
	JS_SetPropertyStr(ctx, answer, "result", JS_NewFloat64(ctx, command.result));
	return answer;
}

static int direction_of(const char *text)
{
	if (!strcmp(text, "in")) return SG_DXFER_FROM_DEV;
	return strcmp(text, "out") ? SG_DXFER_NONE : SG_DXFER_TO_DEV;
}

static JSValue scsi_command(JSContext *ctx, const struct argument *a)
{
	uint8_t sense[SENSE_BYTES] = { 0 };
	if (a[1].length == 0 || a[1].length > CDB_BYTES)
		return host_throw(ctx, "scsiCommand: expected 1 to %d bytes, found %zu", CDB_BYTES, a[1].length);
	struct sg_io_hdr io = {
		.interface_id = 'S', .dxfer_direction = direction_of(a[3].text),
		.cmd_len = (uint8_t)a[1].length, .cmdp = a[1].bytes,
		.dxfer_len = (uint32_t)a[2].length, .dxferp = a[2].bytes,
		.mx_sb_len = sizeof sense, .sbp = sense, .timeout = (uint32_t)a[4].number,
	};
	int fd = open_device(a[0].text);
	if (fd < 0) return host_throw_errno(ctx, "scsiCommand %s", a[0].text);
	int result = ioctl(fd, SG_IO, &io), reason = errno;
	close(fd);
	errno = reason;
	if (result < 0) return host_throw_errno(ctx, "scsiCommand %s", a[0].text);
	JSValue answer = JS_NewObject(ctx);
	JS_SetPropertyStr(ctx, answer, "status", JS_NewInt32(ctx, io.status));
	JS_SetPropertyStr(ctx, answer, "transport", JS_NewInt32(ctx, io.host_status));
	int left = io.resid < 0 || (uint32_t)io.resid > io.dxfer_len ? 0 : io.resid;
	JS_SetPropertyStr(ctx, answer, "bytes", JS_NewFloat64(ctx, io.dxfer_len - (uint32_t)left));
	JS_SetPropertyStr(ctx, answer, "sense", JS_NewArrayBufferCopy(ctx, sense, io.sb_len_wr));
	return answer;
}

const struct host_entry device_entries[] = {
	{ "nvmeAdmin", "sbbn", nvme_admin },
	{ "scsiCommand", "sbbsn", scsi_command },
	{ NULL, NULL, NULL },
};
