import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { jpegOf, pixelsOf, type Storage } from "../../../frontend/src/slides/preview";

const grey: Storage = { width: 2, height: 2, samples: 1, compression: 1, photometric: 1, predictor: 1 };
const bytes = (...values: number[]) => new Uint8Array(values);
const opaque = (...values: number[][]) => values.flatMap((rgb) => [...rgb, 255]);

describe("a tile of a slide", () => {
  it("gets the tables that all tiles share, and is a JPEG of its own then", () => {
    const tables = bytes(0xff, 0xd8, 1, 2, 0xff, 0xd9);
    const tile = bytes(0xff, 0xd8, 3, 0xff, 0xd9);
    expect([...jpegOf(tile, tables, 6)]).toEqual([0xff, 0xd8, 1, 2, 3, 0xff, 0xd9]);
    expect([...jpegOf(tile, null, 6)]).toEqual([...tile]);
  });

  it("says that its colours are RGB where they are, which a browser would take for YCbCr", () => {
    const made = jpegOf(bytes(0xff, 0xd8, 3), null, 2);
    expect(Buffer.from(made).toString("latin1")).toContain("\xff\xee\0\x0eAdobe");
    expect(made.at(-1)).toBe(3);
  });

  it("of one value a pixel is grey, also where white is zero", async () => {
    expect([...(await pixelsOf(bytes(0, 1, 2, 3), grey))]).toEqual(opaque([0, 0, 0], [1, 1, 1], [2, 2, 2], [3, 3, 3]));
    expect([...(await pixelsOf(bytes(0, 255, 0, 255), { ...grey, photometric: 0 }))].slice(0, 5)).toEqual([255, 255, 255, 255, 0]);
  });

  it("that is deflated with differences of neighbours becomes its colours", async () => {
    const storage = { ...grey, width: 2, height: 1, samples: 3, compression: 8, photometric: 2, predictor: 2 };
    const packed = new Uint8Array(deflateSync(bytes(10, 20, 250, 5, 0, 10)));
    expect([...(await pixelsOf(packed, storage))]).toEqual(opaque([10, 20, 250], [15, 20, 4]));
  });

  it("that inflates to more than its pixels is refused", async () => {
    const packed = new Uint8Array(deflateSync(bytes(1, 2, 3, 4, 5)));
    await expect(pixelsOf(packed, { ...grey, compression: 8 })).rejects.toThrow("at most 4 bytes");
  });
});
