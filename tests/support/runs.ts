/**
 * How many inputs a long property tries: all of them, or a quarter of them where `TEST_RUNS=sample` says that time is short, as
 * it is in `./test unit`. `./test properties` tries all.
 */
export function runs(all: number): number {
  return process.env.TEST_RUNS === "sample" ? Math.ceil(all / 4) : all;
}
