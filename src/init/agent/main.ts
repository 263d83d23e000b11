/**
 * birther-agent: brings this machine to its required image and keeps it there. Directly after a birth it is PID 1 and
 * the only process; in the booted image it is a service, which supervises the version of itself that the server handed
 * out last (`--supervised`). `--root DIRECTORY` manages another tree, `--once` exits when
 * nothing is left to do (tests). In the second initrd, `--unseal PLAIN SEALED` writes the disk key to its output, `--tpm-key` the one in the TPM; early at the
 * start of the system, `--volumes` opens and mounts the volumes beside the root.
 */
import * as os from "os";
import { tpmKeyOption, unsealOption } from "../../core/image/boot/unlock.ts";
import { volumesOption } from "../../core/install/machine-volumes.ts";
import { runTpmKey, runUnseal } from "./boot/unseal.ts";
import { isPidOne } from "./pid-one.ts";
import { runAgent } from "./run-agent.ts";
import { runSupervisor, supervisedOption } from "./versions/supervisor.ts";
import { runVolumes } from "./volumes/open-volumes.ts";

const root = scriptArgs.includes("--root") ? (scriptArgs[scriptArgs.indexOf("--root") + 1] ?? "") : "";
const once = scriptArgs.includes("--once");
const program = { native: os.readlink("/proc/self/exe")[0], script: scriptArgs[0] ?? "" };
const supervised = scriptArgs.includes(supervisedOption);
const [plain = "", sealed = ""] = scriptArgs.slice(scriptArgs.indexOf(unsealOption) + 1);
if (scriptArgs.includes(unsealOption)) runUnseal({ plain, sealed });
else if (scriptArgs.includes(tpmKeyOption)) runTpmKey();
else if (scriptArgs.includes(volumesOption)) runVolumes();
else if (once || isPidOne() || supervised) runAgent({ root, once, program, supervised });
else runSupervisor({ root, installed: program });
