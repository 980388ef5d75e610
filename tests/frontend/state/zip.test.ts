import { deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { isZip, readZip, ZipRefused } from "../../../frontend/src/state/zip";

const LIMITS = { files: 10, bytes: 1000 };
const text = (content: string) => new TextEncoder().encode(content);

interface Changes {
  /** What the central directory says instead. */
  size?: number;
  flags?: number;
  method?: number;
}

/** A ZIP of these files, deflated. */
function zip(files: [name: string, content: string][], changes: Changes = {}): Uint8Array<ArrayBuffer> {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of files) {
    const data = deflateRawSync(content);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(changes.flags ?? 0, 8);
    central.writeUInt16LE(changes.method ?? 8, 10);
    central.writeUInt32LE(data.length, 20);
    central.writeUInt32LE(changes.size ?? content.length, 24);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt32LE(offset, 42);
    parts.push(local, Buffer.from(name), data);
    directory.push(central, Buffer.from(name));
    offset += 30 + name.length + data.length;
  }
  const end = Buffer.alloc(22);
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return new Uint8Array(Buffer.concat([...parts, ...directory, end]));
}

const read = (content: Uint8Array<ArrayBuffer>, limits = LIMITS) => readZip(new Blob([content]), limits);

describe("a ZIP", () => {
  it("gives its files, without folders", async () => {
    const files = await read(zip([["a/", ""], ["a/1.png", "one"], ["a/2.png", "two two two two"]]));
    expect(files.map(({ name, size }) => [name, size])).toEqual([["a/1.png", 3], ["a/2.png", 15]]);
    const [, second] = files;
    expect(await second?.bytes()).toEqual(text("two two two two"));
  });

  it("is known by its first bytes", async () => {
    expect(await isZip(new Blob([zip([["a", "b"]])]))).toBe(true);
    expect(await isZip(new Blob([zip([])]))).toBe(true);
    expect(await isZip(new Blob(["PNG"]))).toBe(false);
  });

  it.each([
    ["climbs", zip([["../a", "x"]]), "leads out of it"],
    ["is absolute", zip([["/a", "x"]]), "leads out of it"],
    ["names a drive", zip([["C:\\a", "x"]]), "leads out of it"],
    ["is encrypted", zip([["a", "x"]], { flags: 1 }), "The ZIP is encrypted"],
    ["is packed otherwise", zip([["a", "x"]], { method: 12 }), "packed in a way that is not read here"],
    ["has a file twice", zip([["a", "x"], ["a", "y"]]), "The ZIP has “a” twice."],
    ["has many files", zip(Array.from({ length: 11 }, (_, n) => [`${n}`, "x"])), "The ZIP has 11 files; at most 10 are read."],
    ["is a bomb by its own words", zip([["a", "x"]], { size: 5000 }), "would unpack to more"],
    ["is cut", zip([["a", "x"]]).slice(0, -9), "The ZIP is damaged."],
    ["is no ZIP", text("nothing at all, but longer than the end of a ZIP"), "The ZIP is damaged."],
  ])("that %s is refused", async (_, content, message) => {
    await expect(read(content)).rejects.toThrow(message);
    await expect(read(content)).rejects.toBeInstanceOf(ZipRefused);
  });

  it("that hides a bomb gives no byte more than it says", async () => {
    const [file] = await read(zip([["a", "0".repeat(900_000)]], { size: 20 }));
    await expect(file?.bytes()).rejects.toThrow("“a” unpacks to more than the ZIP says.");
  });

  it("whose data is damaged or short is refused when it is read", async () => {
    const content = zip([["a", "some text that is packed"]]);
    content.fill(255, 31, 40);
    const [damaged] = await read(content);
    await expect(damaged?.bytes()).rejects.toThrow("The ZIP is damaged.");
    const [short] = await read(zip([["a", "x"]], { size: 20 }));
    await expect(short?.bytes()).rejects.toThrow("The ZIP is damaged.");
  });
});
