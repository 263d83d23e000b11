/** Makes an array with the same value in all places; another one than the usual counts what is read and written. */
export type NewArray = <Value>(length: number, value: Value) => Value[];

export const newArray: NewArray = (length, value) => Array.from({ length }, () => value);
