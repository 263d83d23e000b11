/**
 * The native module of host.c: system calls that QuickJS lacks. Every function throws an Error whose message names the
 * call and errno's text. Buffers are ArrayBuffers; offsets and lengths are bytes.
 */
declare module "host" {
  /** Opens a TCP connection; afterwards both directions time out after timeoutMs without progress. */
  export function tcpConnect(ipv4: string, port: number, timeoutMs: number): number;
  /** A UDP socket that sends to one place, for `packetSend`, which throws instead of waiting. */
  export function udpConnect(ipv4: string, port: number): number;
  /**
   * Waits until one of these descriptors (32 bits each, at most 16) can be read without waiting, or is at its end: a bit for each, 0 after
   * the time.
   */
  export function readable(descriptors: ArrayBuffer, timeoutMs: number): number;
  /** TLS 1.2+ over a connected socket, the server verified against the CA certificates (PEM) and the name. Returns a handle. */
  export function tlsOpen(fd: number, caPem: string, serverName: string): number;
  /** Bytes read, 0 at the end of the stream. */
  export function tlsRead(handle: number, buffer: ArrayBuffer, offset: number, length: number): number;
  /** Writes everything. */
  export function tlsWrite(handle: number, buffer: ArrayBuffer, offset: number, length: number): void;
  /** Ends the session and closes its socket. */
  export function tlsClose(handle: number): void;

  /** A raw socket bound to an interface and an Ethernet type, which also receives the LLDP multicast group. */
  export function packetOpen(interfaceName: string, etherType: number): number;
  export function packetSend(fd: number, frame: ArrayBuffer): void;
  /** The next frame, or undefined after timeoutMs. */
  export function packetReceive(fd: number, timeoutMs: number): ArrayBuffer | undefined;

  /** Sets a driver's private flag (`ethtool --set-priv-flags`); false if the driver has no flag of this name. */
  export function setPrivateFlag(interfaceName: string, flag: string, on: boolean): boolean;
  /**
   * The link of an interface, and sets of modes as bits (ETHTOOL_GLINKSETTINGS): what the NIC can do, what it offers and what
   * its partner offers. `speedMbps` is 0 if it is unknown. Throws if the driver does not say.
   */
  export function linkSettings(name: string): {
    speedMbps: number;
    halfDuplex: boolean;
    supported: ArrayBuffer;
    advertised: ArrayBuffer;
    partner: ArrayBuffer;
  };
  export function interfaceUp(name: string): void;
  /** Replaces the interface's IPv4 address. */
  export function interfaceAddress(name: string, ipv4: string, prefixLength: number): void;
  export function defaultRoute(gatewayIpv4: string): void;

  export function mount(source: string, target: string, type: string, flags: number, data: string): void;
  export function unmount(target: string, flags: number): void;
  /** Makes newRoot the root (mount --move, chroot, chdir /) and executes argv there in place of this process. */
  export function switchRoot(newRoot: string, argv: string[]): never;
  /** sync(2), then reboot(2): `restart`, `powerOff` or `halt`. */
  export function reboot(how: "restart" | "powerOff" | "halt"): never;
  export function sync(): void;
  /** Starts sync(2) in another process unless one of these still runs, waits for it this long, and tells whether it has ended. */
  export function syncWithin(milliseconds: number): boolean;
  export function fsync(fd: number): void;

  /** finit_module(2). Ignores a module that is already loaded. */
  export function loadModule(path: string, parameters: string): void;
  /** WDIOC_SETTIMEOUT; returns the seconds that the device accepted. */
  export function watchdogTimeout(fd: number, seconds: number): number;
  /**
   * Takes a member with this number, as a block device, back into a running array of md, which copies what has changed while it was away
   * (ADD_NEW_DISK). Throws if the kernel cannot tell what that is.
   */
  export function mdRejoin(array: string, member: string, number: number): void;
  /** Sets or clears the immutable flag (efivarfs protects its files with it). */
  export function setImmutable(path: string, on: boolean): void;
  /** BLKRRPART: the kernel reads the partition table again. */
  export function rereadPartitions(path: string): void;
  /** Drops the page cache of one block device (BLKFLSBUF after fsync). */
  export function flushDeviceCache(path: string): void;
  /**
   * Where a file or device has these bytes (1 to 16): looks at `first`, and `count` times in all at every `stride` bytes, up to
   * the end.
   */
  export function findBytes(path: string, bytes: ArrayBuffer, first: number, stride: number, count: number): number[];
  /** BLKDISCARD: tells a device to forget these bytes, whole sectors; it may read them as zeros, or as before. */
  export function discard(path: string, offset: number, bytes: number): void;
  /**
   * Sends an administration command to the controller of an NVMe disk and waits for its completion. `command`: eight words of 32 bits,
   * little-endian: opcode, namespace, CDW10 to CDW15. `data` goes in the direction that the opcode says, and may be empty. `status` is
   * that of the completion, without its phase bit: 0 for success; `result` is its first word.
   */
  export function nvmeAdmin(
    path: string,
    command: ArrayBuffer,
    data: ArrayBuffer,
    timeoutMs: number,
  ): { readonly status: number; readonly result: number };
  /**
   * Sends a SCSI command (1 to 32 bytes) to a disk and waits for its answer; ATA PASS-THROUGH carries ATA in it. `data` is filled or
   * sent. `status` is the SCSI status, 2 for CHECK CONDITION, about which `sense` says more; `transport` is 0 if the device answered at
   * all; `bytes` of the data were transferred. Throws if the driver takes no commands.
   */
  export function scsiCommand(
    path: string,
    cdb: ArrayBuffer,
    data: ArrayBuffer,
    direction: "none" | "in" | "out",
    timeoutMs: number,
  ): { readonly status: number; readonly transport: number; readonly bytes: number; readonly sense: ArrayBuffer };
  export function statfs(path: string): { totalBytes: number; freeBytes: number; freeInodes: number };

  export function setTime(unixMs: number): void;
  /** RTC_SET_TIME: the board's clock, e.g. `/dev/rtc0`, in whole seconds of UTC. */
  export function setHardwareClock(device: string, unixMs: number): void;
  /** Milliseconds of CLOCK_MONOTONIC. */
  export function monotonicMs(): number;
  /** The architecture that this program was compiled for, by Debian's name. */
  export function architecture(): "amd64" | "arm64";
  export function randomBytes(count: number): ArrayBuffer;
  export function hostname(name: string): void;

  /** Lower-case hex SHA-256, in which a TPM measures. */
  export function sha256(buffer: ArrayBuffer, offset: number, length: number): string;
  export function sha256File(path: string): string;
  /** Of two files one after the other, the second one at a multiple of four bytes. */
  export function sha256TwoFiles(first: string, second: string): string;

  /** Lower-case hex SHA-512. */
  export function sha512(buffer: ArrayBuffer, offset: number, length: number): string;
  export function sha512File(path: string): string;

  export function chmod(path: string, mode: number): void;

  /** What fstat(2) says; `mtimeMs` is whole milliseconds since 1970, `blocks` counts 512 bytes. */
  export type FileStat = Omit<import("os").Stat, "atime" | "mtime" | "ctime"> & { readonly mtimeMs: number };

  // File systems through descriptors (host-beneath.c). These functions do not throw for a failed system call: they return
  // -errno. Names and targets have U+DC80 to U+DCFF in place of bytes that are not UTF-8.

  /** Opens a directory, which paths are then resolved beneath; follows links. */
  export function openRoot(path: string): number;
  /**
   * Opens a path beneath a directory, through no link and no `..` (openat2): a directory to read; a place (O_PATH), which is
   * anything, also a link; or a directory where a mount may begin. Only the last may be in another mount.
   */
  export function openBeneath(directory: number, path: string, how: "directory" | "place" | "mount"): number;
  /** Opens the regular file of a place for reading; EINVAL for any other. */
  export function reopen(fd: number): number;
  /** Makes a new file, mode 0600, and opens it for writing; EEXIST if the name exists. */
  export function createAt(directory: number, name: string): number;
  export function statOf(fd: number): FileStat | number;
  /** At most `limit` names of an open directory, in no order, without `.` and `..`. */
  export function namesIn(fd: number, limit: number): string[] | number;
  /** The target of the symbolic link of a place. */
  export function targetOf(fd: number): string | number;
  export function makeDirectoryAt(directory: number, name: string, mode: number): number;
  export function removeAt(directory: number, name: string, isDirectory: boolean): number;
  /** Moves a name; without `replace`, EEXIST if the new name exists. */
  export function renameAt(from: number, fromName: string, to: number, toName: string, replace: boolean): number;
  /** Gives the file of a place another name. */
  export function linkAt(fd: number, directory: number, name: string): number;
  export function symlinkAt(target: string, directory: number, name: string): number;
  export function makeNodeAt(directory: number, name: string, mode: number, rdev: number): number;
  /** Sets the owner of an open file, a place or a link; clears set-user-id bits. */
  export function setOwner(fd: number, uid: number, gid: number): number;
  /** Sets the mode of an open file or a place; needs /proc. */
  export function setMode(fd: number, mode: number): number;
  /** Sets mtime and atime of an open file, a place or a link. */
  export function setModified(fd: number, mtimeMs: number): number;
  /**
   * The extended attributes of an open file or a place that an image carries, and no others: names, and values in lower-case
   * hex, in no order. Stops when they are more than `count`, or their names and values more than `bytes` bytes.
   */
  export function attributesOf(fd: number, count: number, bytes: number): [name: string, value: string][] | number;
  /** Removes the attributes that an image carries, except those whose names, each with a NUL, are in the buffer. */
  export function keepAttributes(fd: number, names: ArrayBuffer): number;
  export function setAttribute(fd: number, name: string, value: ArrayBuffer): number;
  /** Removes the access control lists of an open file or a place. */
  export function dropAcls(fd: number): number;
  /** Takes set-user-id, set-group-id and file capabilities from an open file or a place. */
  export function dropRights(fd: number): number;
  /**
   * Gives the file at a path below the root an owner, a mode and a time, and moves it to another path, where what was seen must be, or
   * nothing; EEXIST if something else is. Paths have no leading slash, and lead through no link and no other mount. The facts are 12
   * numbers of 8 bytes: uid, gid, mode, mtimeMs, and whether to remove attributes; whether something was seen, its device, inode
   * number and type, and whether to take its rights; then the device and inode number of the file, which are the answer.
   */
  export function placeObject(root: string, object: string, path: string, facts: ArrayBuffer): number;

  /**
   * Begins to store contents below an open directory, each as `aa/REST` of its SHA-512: lines `HEX SIZE`, in the order in which their bytes
   * are fed. Threads hash and write them; 8 MiB may be on their way. One session at a time. `begunBytes` of the first content are kept
   * (`objectsKept`), and the rest is fed; with 0, what is kept is forgotten.
   */
  export function objectsBegin(directory: number, contents: string, begunBytes: number): void;
  /** Takes the next bytes; throws if a content fed before has another hash, or could not be written. */
  export function objectsFeed(buffer: ArrayBuffer, offset: number, length: number): void;
  /**
   * Ends the session when what was fed is written, and returns how many contents from the first on are stored; the beginning of an
   * incomplete one is kept. Throws as `objectsFeed`, and keeps nothing then.
   */
  export function objectsEnd(): number;
  /**
   * Keeps a draft that an earlier process left below the directory, with the state of a SHA-512 that was fed all its bytes (`sha512Begin`);
   * what was kept before is removed.
   */
  export function objectsAdopt(
    directory: number,
    sha512: string,
    draft: string,
    bytes: number,
    state: ArrayBuffer,
  ): void;
  /** How many bytes of a content are kept from the latest session. */
  export function objectsKept(sha512: string): number;
  /** The content that had another hash than its own in this session or the latest; empty if there was none. */
  export function objectsForged(): string;
  /** Removes what is kept. */
  export function objectsForget(): void;

  /** The state of a SHA-512 that is fed in parts. */
  export function sha512Begin(): ArrayBuffer;
  /** Feeds up to `bytes` bytes from an open file; returns how many there were. */
  export function sha512Feed(state: ArrayBuffer, fd: number, bytes: number): number;
  /** Lower-case hex SHA-512 of what was fed. */
  export function sha512End(state: ArrayBuffer): string;

  /**
   * Hashes on every CPU for this time; returns hashes of 4 KiB per second over all CPUs, in the slowest five seconds, too (0
   * in a shorter test), and whether all CPUs computed the same results. `notify` hears every five seconds how far the test is,
   * from 0 to 1.
   */
  export function cpuTest(
    seconds: number,
    notify?: (share: number) => void,
  ): { hashesPerSecond: number; slowestPerSecond: number; agreed: boolean };
  /** The first wrong word of a CPU's share of the memory. Numbers are hexadecimal, with `0x`. */
  export type WrongWord = {
    /** In the tested memory, in bytes. */
    readonly offset: number;
    /** Its address in the machine; absent if the kernel does not say. */
    readonly physical?: string;
    readonly pattern: string;
    readonly expected: string;
    readonly found: string;
    /** What it was when it was read once more. */
    readonly again: string;
  };
  /**
   * Fills memory (in MiB) with patterns and reads them back, in `rounds` rounds; with `seconds` other than 0, so much and so
   * often as fits into that time. `wrongWords` counts words of 8 bytes that differ, `testedMebibytes` is what was filled.
   */
  export function memoryTest(
    mebibytes: number,
    rounds: number,
    seconds: number,
    notify?: (share: number) => void,
  ): { mebibytesPerSecond: number; testedMebibytes: number; wrongWords: number; firstWrong: WrongWord[] };
}
