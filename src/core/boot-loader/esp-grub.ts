/** The configuration of the GRUB on an ESP, both ours and Debian's signed one. */

/**
 * A prompt on a screen that nobody watches would stop the machine silently, so GRUB says what is missing and restarts
 * from the network.
 */
export const orRestart = 'echo "birther: no GRUB configuration on this disk; restarting"\nsleep 10\nreboot\n';

/**
 * GRUB searches the boot partition on the disk that it was started from, which the firmware names ($root before it is set, e.g.
 * `hd1,gpt1`, and $cmdpath, e.g. `(hd1,gpt1)/EFI/birther`; the latter is empty where shim 16 has started GRUB 2.12). Another
 * disk may have the same label from an earlier birth, and its system must not start. Only if the firmware names no disk does the
 * label decide. There is no `if`, because our own GRUB runs this before normal mode exists; a `regexp` that does not match leaves its
 * variable unchanged.
 */
const bootLines = [
  "search --no-floppy --label boot --set=labelled",
  "regexp --set=1:disk '^(hd[0-9]+)' \"$labelled\"",
  "regexp --set=1:disk '^(hd[0-9]+)' \"$root\"",
  "regexp --set=1:disk '^[(](hd[0-9]+)' \"$cmdpath\"",
  "set root=$disk,gpt2",
  "set prefix=($root)/grub",
];

/** From the start of GRUB to the configuration on the boot partition, for GRUB 2.06 and 2.12. */
export const ownBoot = bootLines.join("\n");

/** What an ESP of an earlier birth may have: it relied on $cmdpath alone. */
export const formerOwnBoot = bootLines.filter((line) => !line.includes('"$root"')).join("\n");
