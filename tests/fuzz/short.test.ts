/** The first inputs of `./test fuzz`, for every run: a few seconds. */
process.env.FUZZ_INPUTS ??= "100000";
await import("./fuzz.test.ts");
