import assert from "node:assert/strict";
import { test } from "node:test";
import { makeTpm } from "./host/devices/tpm.ts";
import { mac, rackMachine, type Trial } from "./machine.ts";
import { openSite, type Site } from "./site/site.ts";

const reason = (site: Site) => site.machine(mac).conditions.find(({ kind }) => kind === "conflict")?.reason ?? "";

/** A site with one machine that was born with its TPM. */
function bornWithTpm() {
  const site = openSite();
  const tpm = makeTpm();
  const { end, kernel } = rackMachine(site, { tpm }).bootInit();
  assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
  const { id, tpm: bound } = site.machine(mac);
  assert.equal(bound?.ekSha256, tpm.ekSha256());
  return { site, tpm, rebirth: () => site.apply({ kind: "rebirthAsked", id, by: "test" }), id };
}

test("a machine is bound to the TPM of its first birth, and is born again with it", (t) => {
  const { site, tpm, rebirth } = bornWithTpm();
  t.after(site.close);
  const before = site.machine(mac).tpm;
  rebirth();
  const { end, kernel } = rackMachine(site, { tpm }).bootInit();
  assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
  assert.deepEqual(site.machine(mac).tpm, before);
  assert.deepEqual(site.machine(mac).conditions, []);
});

const strangers = [
  ["another TPM", { tpm: makeTpm() }, /endorsement key [0-9a-f]{16}.*another machine uses this MAC/],
  ["no TPM", {}, /no TPM.*enable the TPM/],
] as const;
for (const [title, board, found] of strangers)
  test(`the token of a bound machine with ${title}: no order, conflict; its own TPM ends the conflict`, (t) => {
    const { site, tpm, rebirth } = bornWithTpm();
    t.after(site.close);
    rebirth();
    const { end, kernel } = rackMachine(site, board).bootInit();
    const shown = kernel.screen.join("\n");
    assert.deepEqual(end, { kind: "restarted", how: "restart" }, shown);
    assert.match(shown.replace(/[\s*]+/g, " "), /bound to another TPM.*birther release r01u07 --accept-tpm/);
    assert.equal(site.machine(mac).order?.taken, undefined, "no order");
    assert.match(reason(site), found);
    assert.match(reason(site), /birther release r01u07 --accept-tpm/);
    assert.equal(rackMachine(site, { tpm }).bootInit().end.kind, "switchedRoot");
    assert.deepEqual(site.machine(mac).conditions, []);
  });

test("an operator accepts a replaced TPM: the next one is trusted, and the old one no longer", (t) => {
  const { site, tpm, rebirth, id } = bornWithTpm();
  t.after(site.close);
  rebirth();
  const replaced = makeTpm();
  rackMachine(site, { tpm: replaced }).bootInit();
  site.apply({ kind: "conditionCleared", id, condition: "hold", newTpmBy: "test" });
  assert.deepEqual([site.machine(mac).tpm, site.machine(mac).conditions], [undefined, []]);
  assert.equal(rackMachine(site, { tpm: replaced }).bootInit().end.kind, "switchedRoot");
  assert.equal(site.machine(mac).tpm?.ekSha256, replaced.ekSha256());
  rebirth();
  assert.equal(rackMachine(site, { tpm }).bootInit().end.kind, "restarted");
  assert.match(reason(site), /expected its endorsement key/);
});

test("a machine that got no TPM at its birth is bound at a later one", (t) => {
  const site = openSite();
  t.after(site.close);
  rackMachine(site).bootInit();
  const { id, tpm: none } = site.machine(mac);
  assert.equal(none, undefined);
  site.apply({ kind: "rebirthAsked", id, by: "test" });
  const tpm = makeTpm();
  assert.equal(rackMachine(site, { tpm }).bootInit().end.kind, "switchedRoot");
  assert.equal(site.machine(mac).tpm?.ekSha256, tpm.ekSha256());
});

const garbled: Trial = {
  troubles: [{ call: "read", about: /tpmrm0/, trouble: { kind: "garbles", change: (bytes) => bytes.fill(7) } }],
};
const dead: Trial = { troubles: [{ call: "write", about: /tpmrm0/, trouble: { kind: "fails", errno: "EIO" } }] };
for (const [title, trial] of [
  ["answers nonsense", garbled],
  ["fails", dead],
] as const)
  test(`a TPM that ${title}: a first birth goes on without it; a bound machine gets no order`, (t) => {
    const site = openSite();
    t.after(site.close);
    const machine = rackMachine(site, { tpm: makeTpm() });
    const first = machine.bootInit(trial);
    assert.equal(first.end.kind, "switchedRoot", first.kernel.screen.join("\n"));
    assert.equal(site.machine(mac).tpm, undefined);
    const { id } = site.machine(mac);
    const rebirth = () => site.apply({ kind: "rebirthAsked", id, by: "test" });
    rebirth();
    assert.equal(machine.bootInit().end.kind, "switchedRoot");
    rebirth();
    assert.equal(machine.bootInit(trial).end.kind, "restarted");
    assert.match(reason(site), /a TPM that cannot be used: TPM: CreatePrimary/);
  });

test("a TPM that tests itself is waited for; a server that was restarted since its challenge sends another one", (t) => {
  const site = openSite();
  t.after(site.close);
  const tpm = makeTpm({ busy: 5 });
  let restarts = 0;
  const open: typeof tpm.open = (path) => {
    const device = tpm.open(path);
    const write = (bytes: Uint8Array) => {
      if (bytes[9] === activateCredential && restarts < 2) {
        restarts += 1;
        site.restart();
      }
      return device.write?.(bytes) ?? 0;
    };
    return { ...device, write };
  };
  const { end, kernel } = rackMachine(site, { tpm: { ...tpm, open } }).bootInit();
  assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
  assert.equal(site.machine(mac).tpm?.ekSha256, tpm.ekSha256());
  assert.equal(restarts, 2);
});

/** The last byte of TPM_CC_ActivateCredential. */
const activateCredential = 0x47;

/** A wire on which the server does not see what a request says of the TPM, as if one of the two were of an older version. */
function beforeTpms(site: Site): Trial {
  const blind = (bytes: Uint8Array) =>
    Buffer.from(Buffer.from(bytes).toString("latin1").replace('"tpm":{', '"tpX":{'), "latin1");
  const listeners = [...site.listeners].map(([endpoint, { connect, ...rest }]) => {
    const behind = (client: string) => {
      const { exchange, close } = connect(client);
      return { close, exchange: (bytes: Uint8Array) => exchange(blind(bytes)) };
    };
    return [endpoint, { ...rest, connect: behind }] as const;
  });
  return { wire: { listeners: new Map(listeners) } };
}

test("a server that knows no TPMs gives the order at once; an image that knows none gets none for a bound machine", (t) => {
  const site = openSite();
  t.after(site.close);
  const machine = rackMachine(site, { tpm: makeTpm() });
  assert.equal(machine.bootInit(beforeTpms(site)).end.kind, "switchedRoot");
  const { id, tpm } = site.machine(mac);
  assert.equal(tpm, undefined);
  const rebirth = () => site.apply({ kind: "rebirthAsked", id, by: "test" });
  rebirth();
  assert.equal(machine.bootInit().end.kind, "switchedRoot");
  rebirth();
  assert.equal(machine.bootInit(beforeTpms(site)).end.kind, "restarted");
  assert.match(reason(site), /a Bootstrap Image that cannot use TPMs: update the server that sends/);
});
