/*
 * A program for UEFI firmware that iPXE starts before the kernel of a birth. It connects the drivers of all storage controllers, and
 * leaves the controllers behind which the firmware sees disks in a variable that lasts until the restart. init compares them with
 * those that Linux sees (core/hardware/firmware-disks.ts): a system on a disk without a driver in the firmware would never start.
 *
 * Offsets and identifiers are those of UEFI 2.10: tables §4.3 to 4.5, PCI I/O §14.4, block I/O §13.9, device paths §10.3. It needs no
 * library, has no data with addresses, and is called and calls by the firmware's convention (§2.3.4.2).
 */
#include <stddef.h>
#include <stdint.h>

#define EFIAPI __attribute__((ms_abi))

typedef uint64_t Status;
typedef void *Handle;
typedef struct { uint32_t a; uint16_t b, c; uint8_t d[8]; } Guid;
typedef struct { uint8_t type, subtype, length[2]; } Node;

/* Of the tables only what is used; what lies between is room. */
typedef struct {
  uint8_t header[24];
  void *unused0[5];
  Status(EFIAPI *allocatePool)(uint32_t type, uint64_t bytes, void **found);
  Status(EFIAPI *freePool)(void *pool);
  void *unused1[9];
  Status(EFIAPI *handleProtocol)(Handle handle, const Guid *protocol, void **found);
  void *unused2[13];
  Status(EFIAPI *connectController)(Handle controller, Handle *drivers, const Node *rest, uint8_t recursive);
  void *unused3[5];
  Status(EFIAPI *locateHandleBuffer)(uint32_t by, const Guid *protocol, void *key, uint64_t *count, Handle **found);
} BootServices;

typedef struct {
  uint8_t header[24];
  void *unused[8];
  Status(EFIAPI *setVariable)(const uint16_t *name, const Guid *vendor, uint32_t attributes, uint64_t bytes, const void *value);
} RuntimeServices;

typedef struct {
  uint8_t header[24];
  void *unused[8];
  RuntimeServices *runtime;
  BootServices *boot;
} SystemTable;

typedef struct PciIo {
  void *unused[6];
  Status(EFIAPI *readConfig)(struct PciIo *device, uint32_t width, uint32_t offset, uint64_t count, void *buffer);
} PciIo;

typedef struct {
  uint32_t id;
  uint8_t removable, present, logicalPartition;
} Medium;

typedef struct {
  uint64_t revision;
  const Medium *medium;
} BlockIo;
_Static_assert(offsetof(BootServices, handleProtocol) == 24 + 8 * 16, "");
_Static_assert(offsetof(BootServices, connectController) == 24 + 8 * 30, "");
_Static_assert(offsetof(BootServices, locateHandleBuffer) == 24 + 8 * 36, "");
_Static_assert(offsetof(RuntimeServices, setVariable) == 24 + 8 * 8, "");
_Static_assert(offsetof(SystemTable, runtime) == 88, "");

enum { byProtocol = 2, width32 = 2, classRegister = 8, massStorage = 1 };
enum { hardware = 1, pciNode = 1, pciNodeBytes = 6, acpi = 2, end = 0x7f };
enum { forBootAndRuntime = 6, format = 1 };
/* Firmware takes variables of 1 KiB at least. A list that is longer is not left behind: a part would deny the rest. */
enum { mostBytes = 1000, none = 0, tooLong = mostBytes + 1 };

#define PCI_IO { 0x4cf5b200, 0x68b8, 0x4ca5, { 0x9e, 0xec, 0xb2, 0x3e, 0x3f, 0x50, 0x02, 0x9a } }
#define BLOCK_IO { 0x964e5b21, 0x6459, 0x11d2, { 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b } }
#define DEVICE_PATH { 0x09576e91, 0x6d3f, 0x11d2, { 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b } }
#define BIRTHER { 0x6f3c1b0e, 0x0d5a, 0x4c53, { 0x9d, 0x3e, 0xb1, 0xa7, 0xc0, 0xff, 0xee, 0x01 } }

static void *protocolOf(const BootServices *boot, Handle handle, const Guid *protocol) {
  void *found = NULL;
  return boot->handleProtocol(handle, protocol, &found) == 0 ? found : NULL;
}

/* Firmware that starts quickly has connected only what it starts from. */
static void connectStorage(const BootServices *boot) {
  const Guid pci = PCI_IO;
  uint64_t count = 0;
  Handle *handles = NULL;
  if (boot->locateHandleBuffer(byProtocol, &pci, NULL, &count, &handles) != 0) return;
  for (uint64_t at = 0; at < count; at += 1) {
    PciIo *device = protocolOf(boot, handles[at], &pci);
    uint32_t class = 0;
    if (device == NULL || device->readConfig(device, width32, classRegister, 1, &class) != 0) continue;
    if (class >> 24 == massStorage) boot->connectController(handles[at], NULL, NULL, 1);
  }
  boot->freePool(handles);
}

/*
 * The PCI functions that lead to a disk, two bytes each (device, function), with their number before them. Returns the bytes: `none`
 * if its path begins with no PCI function, `tooLong` if there is no room.
 */
static uint32_t readChain(const Node *path, uint8_t *chain, uint32_t room) {
  uint32_t bytes = 1;
  if (path == NULL) return none;
  if (room < bytes) return tooLong;
  for (const Node *node = path; node->type != end;) {
    const uint8_t *fields = (const uint8_t *)node;
    uint32_t length = node->length[0] | node->length[1] << 8;
    if (length < sizeof *node) return none;
    if (node->type == hardware && node->subtype == pciNode && length == pciNodeBytes) {
      if (bytes + 2 > room) return tooLong;
      chain[bytes] = fields[5];
      chain[bytes + 1] = fields[4];
      bytes += 2;
    } else if (node->type != acpi)
      break;
    node = (const Node *)(fields + length);
  }
  if (bytes == 1) return none;
  chain[0] = (uint8_t)((bytes - 1) / 2);
  return bytes;
}

static int isSame(const uint8_t *one, const uint8_t *other, uint32_t bytes) {
  for (uint32_t at = 0; at < bytes; at += 1) if (one[at] != other[at]) return 0;
  return 1;
}

/* Whether the chain behind the list is in it already. */
static int isThere(const uint8_t *list, uint32_t used, uint32_t bytes) {
  for (uint32_t at = 1; at < used; at += 1 + 2 * list[at])
    if (1 + 2u * list[at] == bytes && isSame(list + at, list + used, bytes)) return 1;
  return 0;
}

/* Fills the list; returns its bytes, or `tooLong`. */
static uint32_t listDisks(const BootServices *boot, uint8_t *list) {
  const Guid blocks = BLOCK_IO, paths = DEVICE_PATH;
  uint32_t used = 1;
  uint64_t count = 0;
  Handle *handles = NULL;
  list[0] = format;
  if (boot->locateHandleBuffer(byProtocol, &blocks, NULL, &count, &handles) != 0) return used;
  for (uint64_t at = 0; at < count && used != tooLong; at += 1) {
    const BlockIo *disk = protocolOf(boot, handles[at], &blocks);
    if (disk == NULL || disk->medium->logicalPartition) continue;
    uint32_t bytes = readChain(protocolOf(boot, handles[at], &paths), list + used, mostBytes - used);
    if (bytes == tooLong)
      used = tooLong;
    else if (bytes != none && !isThere(list, used, bytes))
      used += bytes;
  }
  boot->freePool(handles);
  return used;
}

Status EFIAPI efi_main(Handle self, const SystemTable *system);
Status EFIAPI efi_main(Handle self, const SystemTable *system) {
  const Guid vendor = BIRTHER;
  const uint16_t name[] = {'B', 'i', 'r', 't', 'h', 'e', 'r', 'D', 'i', 's', 'k', 's', 0};
  uint8_t list[mostBytes];
  (void)self;
  connectStorage(system->boot);
  uint32_t bytes = listDisks(system->boot, list);
  return bytes == tooLong ? 0 : system->runtime->setVariable(name, &vendor, forBootAndRuntime, bytes, list);
}
