const byNumbers = new Intl.Collator("en", { numeric: true });

/** Compares texts with the numbers in them by value: rack 9 before rack 10. */
export function compareNatural(a: string, b: string): number {
  return byNumbers.compare(a, b);
}
