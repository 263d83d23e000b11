/** Compiles the native program once, before several suites run tests with it side by side. */
import { native } from "./native-program.ts";

await native;
