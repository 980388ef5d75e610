import { randomBytes } from "node:crypto";
import { deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { inflate } from "../../frontend/src/inflate";

const plain = new TextEncoder().encode("some text that is packed, some text that is packed");
const packed = new Uint8Array(deflateRawSync(plain));
const followed = (rest: number) => new Uint8Array([...packed, ...new Array<number>(rest).fill(0)]);

describe("deflated data", () => {
  it.each([0, 1, 8])("that %d bytes follow become what they were", async (rest) => {
    expect(await inflate(followed(rest), "deflate-raw", plain.length, 8)).toEqual(plain);
  });

  it("of many parts become what they were", async () => {
    const large = new Uint8Array(randomBytes(50_000));
    const content = new Uint8Array(deflateRawSync(large));
    expect(await inflate(content, "deflate-raw", large.length)).toEqual(large);
  });

  it("are refused where they become more than the limit", async () => {
    const inflating = inflate(packed, "deflate-raw", plain.length - 1, 8);
    await expect(inflating).rejects.toThrow(new RangeError("expected a file that inflates to at most 49 bytes, found one that goes on"));
  });

  it.each([
    ["cut off", packed.slice(0, -2)],
    ["damaged", new Uint8Array([255, 255, ...packed])],
  ])("that are %s are refused, and not for their size", async (_, content) => {
    const error: unknown = await inflate(content, "deflate-raw", plain.length, 8).catch((raised: unknown) => raised);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(RangeError);
  });
});
