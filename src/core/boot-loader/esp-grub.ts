/** What the GRUB on an ESP is told, ours and Debian's signed one alike. */

/** A prompt on a screen that nobody watches would be a silent end: say what is missing and start again, from the network. */
export const orRestart = 'echo "birther: no GRUB configuration on this disk; restarting"\nsleep 10\nreboot\n';

/**
 * Where GRUB finds /boot: on the disk it was started from, which the firmware tells ($cmdpath, e.g.
 * `(hd1,gpt1)/EFI/birther`). Another disk may carry the same label, from a birth before; its system must not start. Only
 * where the firmware names no disk is the label asked. No `if`: in our own GRUB this runs before there is a normal mode, and a
 * `regexp` that does not match leaves its variable as it was.
 */
export const ownBoot = [
  "search --no-floppy --label boot --set=labelled",
  "regexp --set=1:disk '^(hd[0-9]+)' \"$labelled\"",
  "regexp --set=1:disk '^[(](hd[0-9]+)' \"$cmdpath\"",
  "set root=$disk,gpt2",
  "set prefix=($root)/grub",
].join("\n");
