/** Loaded by `./test` before the test files: fast-check's properties begin from the run's seed. */
import fc from "fast-check";
import { testSeed } from "./seed.ts";

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: testSeed });
