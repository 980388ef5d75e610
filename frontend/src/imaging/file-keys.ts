/** Files have no names that tell them from each other: each gets a number. */

const numbers = new WeakMap<Blob, number>();
let files = 0;

/** The same for the same object. */
export function fileKey(file: Blob): number {
  const key = numbers.get(file) ?? ++files;
  numbers.set(file, key);
  return key;
}
