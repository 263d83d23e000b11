/* What the configure script of LVM2 would write for libdm alone, without udev and SELinux: nodes are root's. */
#define DM_DEVICE_UID 0
#define DM_DEVICE_GID 0
#define DM_DEVICE_MODE 0600
#define DM_IOCTLS 1
#define DEFAULT_DM_NAME_MANGLING DM_STRING_MANGLING_AUTO
#define HAVE_SIGINTERRUPT 1
#define HAVE_SYS_IOCTL_H 1
