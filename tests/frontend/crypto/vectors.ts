/** The files of docs/vectors, by name. */

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export function vectors(folder: string): Record<string, string>[] {
  const place = resolve(import.meta.dirname, "../../../docs/vectors", folder);
  return readdirSync(place).map((file) => ({
    name: file.replace(".json", ""),
    ...(JSON.parse(readFileSync(join(place, file), "utf8")) as Record<string, string>),
  }));
}
