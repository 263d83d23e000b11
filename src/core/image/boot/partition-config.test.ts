import assert from "node:assert/strict";
import { test } from "node:test";
import { environmentBytes, grubEnvironment, readGrubEnvironment } from "../../boot-loader/grub-environment.ts";
import { encodeUtf8 } from "../../bytes/utf8.ts";
import { kernelArgument, kernelId, kernelInCommandLine, type StoredKernel } from "./kernel-store.ts";
import { partitionConfig, tryVariable } from "./partition-config.ts";

const kernel = (digit: string): StoredKernel => ({
  id: digit.repeat(32),
  version: `6.${digit}`,
  kernel: `vmlinuz-6.${digit}`,
  initrd: `initrd.img-6.${digit}`,
  names: [],
});
const root = { kind: "encrypted", mapping: "birther-root", unlockInitrd: "birther-unlock.img" } as const;

test("grub.cfg: each kernel from its directory, with its initrds and the argument that names it", () => {
  const text = partitionConfig({ firmware: "uefi", root, kernels: [kernel("1")] });
  const directory = `/kernels/${"1".repeat(32)}`;
  assert.match(
    text,
    new RegExp(`linux ${directory}/vmlinuz-6\\.1 root=/dev/mapper/birther-root .* birther\\.boot=1{32}\n`),
  );
  assert.match(text, new RegExp(`initrd ${directory}/initrd\\.img-6\\.1 ${directory}/birther-unlock\\.img\n`));
  assert.match(text, /set default=0\nset fallback="1"\n/);
  assert.doesNotMatch(text, /load_env|serial/);
});

test("grub.cfg: a candidate starts once, after its mark was cleared, and falls back on the default", () => {
  const candidate = kernel("2").id;
  const text = partitionConfig({ firmware: "bios", root, kernels: [kernel("1"), kernel("2")], candidate });
  assert.match(text, /set default=0\nset fallback="1 2"\n/);
  assert.match(
    text,
    new RegExp(`if \\[ "\\$birther_try" = "${candidate}" \\]; then\n {2}set birther_try=\n {2}if save_env`),
  );
  assert.match(text, /then\n {4}set default=1\n {4}set fallback="0 2"\n {2}fi\nfi\n/);
});

test("environment block: of GRUB's fixed size; anything else has no value", () => {
  const block = grubEnvironment(tryVariable, "abc");
  assert.equal(block.length, environmentBytes);
  assert.equal(readGrubEnvironment(block, tryVariable), "abc");
  assert.equal(readGrubEnvironment(block, "other"), "");
  assert.equal(readGrubEnvironment(encodeUtf8(`${tryVariable}=x\n`), tryVariable), "");
});

test("a kernel's name depends on its files, not on their order, and is found in a command line", () => {
  const hash = (text: string) => Buffer.from(text).toString("hex").padEnd(128, "0");
  const files = [
    { name: "a", sha512: "1" },
    { name: "b", sha512: "2" },
  ];
  assert.equal(kernelId(files, hash), kernelId([...files].reverse(), hash));
  assert.notEqual(kernelId(files, hash), kernelId(files.slice(1), hash));
  const { id } = kernel("3");
  assert.equal(kernelInCommandLine(`quiet ${kernelArgument(id)}\n`), id);
  assert.equal(kernelInCommandLine("quiet birther.boot=3"), undefined);
});
