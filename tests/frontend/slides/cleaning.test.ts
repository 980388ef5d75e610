/** The page's cleaning of a slide gives the bytes that Python gives, and reads no more of a file than it must. */

import { createHash } from "node:crypto";
import { inflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { cleanBlob, plan } from "../../../frontend/src/slides/cleaning";
import { SlideError } from "../../../frontend/src/slides/slide-error";
import { SlideFile } from "../../../frontend/src/slides/structure";
import vectors from "./vectors.json";

interface Vector {
  name: string;
  input: string;
  output?: string;
  removed?: string[];
  refused?: string;
}

const all = vectors.files as Vector[];
const blobOf = ({ input }: Vector) => new Blob([new Uint8Array(inflateRawSync(Buffer.from(input, "base64")))]);
const named = (name: string) => blobOf(all.find((each) => each.name === name)!);
const cleaned = async (blob: Blob) => {
  const made = await plan(await SlideFile.open(blob));
  return { made, content: new Uint8Array(await cleanBlob(blob, made).arrayBuffer()) };
};

describe("a slide", () => {
  it.each(all.filter(({ output }) => output))("loses what Python removes, and nothing else: $name", async (vector) => {
    const blob = blobOf(vector);
    const { made, content } = await cleaned(blob);

    expect(content.length).toBe(blob.size);
    expect(made.removed).toEqual(vector.removed);
    expect(createHash("sha256").update(content).digest("hex")).toBe(vector.output);
    expect(Buffer.from(content).includes("DOE")).toBe(false);
  });

  it.each(all.filter(({ refused }) => refused))("is refused in Python's words: $name", async (vector) => {
    const found = cleaned(blobOf(vector));
    await expect(found).rejects.toThrow(vector.refused);
    await expect(found).rejects.toBeInstanceOf(SlideError);
  });

  it("that is clean stays as it is, without a change", async () => {
    const { made } = await cleaned(named("a clean Aperio slide"));
    expect([made.removed, made.patches, made.zeros]).toEqual([[], [], []]);
  });
});

/** A file of `size` bytes that begins with `head` and is of nines else, and how many of its bytes were asked for. */
class LargeFile extends Blob {
  asked = 0;

  constructor(
    private readonly head: Uint8Array<ArrayBuffer>,
    override readonly size: number,
  ) {
    super();
  }

  override slice(start = 0, end = this.size): Blob {
    const part = new Uint8Array(Math.max(0, end - start)).fill(9);
    part.set(this.head.subarray(start, end));
    this.asked += part.length;
    return new Blob([part]);
  }
}

/** A directory with one tile, as the head of a file; its tile is at `offset`. */
function oneTile(offset: number, size: number): Uint8Array<ArrayBuffer> {
  const SHORT = 3;
  const LONG = 4;
  const entries = [
    [256, LONG, 4000],
    [257, LONG, 4000],
    [258, SHORT, 8],
    [259, SHORT, 1],
    [262, SHORT, 1],
    [277, SHORT, 1],
    [322, LONG, 4000],
    [323, LONG, 4000],
    [324, LONG, offset],
    [325, LONG, size],
  ] as const;
  const view = new DataView(new ArrayBuffer(8 + 2 + 12 * entries.length + 4));
  view.setUint32(0, 0x49492a00);
  view.setUint32(4, 8, true);
  view.setUint16(8, entries.length, true);
  for (const [place, [tag, kind, value]] of entries.entries()) {
    const at = 10 + 12 * place;
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, kind, true);
    view.setUint32(at + 4, 1, true);
    view.setUint32(at + 8, value, true);
  }
  return new Uint8Array(view.buffer);
}

describe("a large slide", () => {
  const TILE = 16_000_000;

  it("is read where it is not tiles only", async () => {
    const head = oneTile(200, TILE);
    const file = new LargeFile(head, 200 + TILE);
    const made = await plan(await SlideFile.open(file));

    expect(made.removed).toEqual(["other data"]);
    expect(made.zeros).toEqual([[head.length, 200]]);
    expect(file.asked).toBeLessThan(5_000);
  });

  it("has zeros in place of whatever lies behind its tiles, however much that is", async () => {
    const rest = 9_000_000;
    const file = new LargeFile(oneTile(134, TILE), 134 + TILE + rest);
    const made = await plan(await SlideFile.open(file));
    const clean = cleanBlob(new Blob([new Uint8Array(file.size).fill(9)]), made);

    expect(made.zeros).toEqual([[134 + TILE, file.size]]);
    expect(clean.size).toBe(file.size);
    const end = new Uint8Array(await clean.slice(133 + TILE).arrayBuffer());
    expect([end[0], end.subarray(1).every((byte) => byte === 0)]).toEqual([9, true]);
  });
});
