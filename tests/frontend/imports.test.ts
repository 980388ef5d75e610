/** Which folder of the page may import from which, read from the imports themselves. */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { describe, expect, it } from "vitest";

const SOURCE = resolve(import.meta.dirname, "../../frontend/src");
/** "" is the folder itself: helpers that any other folder uses. `main.ts` starts the page. */
const ALLOWED: Record<string, string[]> = {
  "": [],
  api: [],
  styles: [],
  imaging: [""],
  dicom: [""],
  crypto: [""],
  slides: [""],
  chain: ["", "api"],
  inference: ["", "api", "imaging", "state"],
  state: ["", "api", "chain", "dicom", "imaging", "slides"],
  components: ["", "api", "chain", "dicom", "imaging", "inference", "slides", "state", "styles"],
  pages: ["", "api", "chain", "dicom", "imaging", "slides", "state", "styles", "components"],
};

const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
const imports = new Map(files.map((file) => [file, importsOf(file)]));

function importsOf(file: string): string[] {
  const text = readFileSync(join(SOURCE, file), "utf8");
  const found = [...text.matchAll(/(?:from|import)(?:\s+|\()"(\.[^"]+)"/g)].map(([, path = ""]) => path);
  const paths = found.map((path) => `${relative(SOURCE, resolve(SOURCE, dirname(file), path))}.ts`);
  return paths.filter((path) => files.includes(path));
}

const folderOf = (file: string): string => (file.includes(sep) ? dirname(file) : "");

/** A path that leads back to its first file, or null. */
function circleFrom(file: string, path: string[] = [], done = new Set<string>()): string[] | null {
  if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
  if (done.has(file)) return null;
  done.add(file);
  for (const next of imports.get(file) ?? []) {
    const circle = circleFrom(next, [...path, file], done);
    if (circle) return circle;
  }
  return null;
}

describe("imports", () => {
  it("follow the order of the folders", () => {
    const wrong = [...imports].flatMap(([file, found]) =>
      file === "main.ts"
        ? []
        : found
            .filter((other) => folderOf(other) !== folderOf(file) && !ALLOWED[folderOf(file)]?.includes(folderOf(other)))
            .map((other) => `${file} imports ${other}`),
    );

    expect(files.length).toBeGreaterThan(50);
    expect(wrong).toEqual([]);
  });

  it("have no circle", () => {
    expect(files.map((file) => circleFrom(file)).filter(Boolean)).toEqual([]);
  });
});
