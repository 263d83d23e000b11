/** A number of things, with a comma before each three digits: `1 machine`, `4,000 machines`, `2 boxes` of `box` and `boxes`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${String(count).replace(/\B(?=(\d{3})+$)/g, ",")} ${count === 1 ? one : many}`;
}
