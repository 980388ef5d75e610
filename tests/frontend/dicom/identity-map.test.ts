/** Held against docs/vectors/map, which Python wrote. */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it, vi } from "vitest";
import { decodedText } from "../../../frontend/src/dicom/character-sets";
import { deidentify } from "../../../frontend/src/dicom/deidentify";
import { bytesOf } from "../../../frontend/src/dicom/elements";
import { identityOf, sealedMap, type Originals } from "../../../frontend/src/dicom/identity-map";

const FOLDER = resolve(import.meta.dirname, "../../../docs/vectors/map");
interface Opened {
  key: string;
  passphrase: string;
  random: [salt: string, nonce: string];
  dicom: string[];
  attributes: Record<string, string>[];
}
const opened = JSON.parse(readFileSync(`${FOLDER}/opened.json`, "utf8")) as Opened;

async function originals(): Promise<Originals[]> {
  const raw = new Uint8Array(Buffer.from(opened.key, "hex"));
  const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const files = opened.dicom.map((content) => new Uint8Array(Buffer.from(content, "base64")));
  return Promise.all(
    files.map(async (content, number) => {
      const { source, uids } = await deidentify(content, key);
      return { ...identityOf(source, uids), files: [number.toString(16).padStart(64, "0")] };
    }),
  );
}

it("reads patient and study in any alphabet as Python does", async () => {
  const found = (await originals()).map(({ study, attributes }) => ({ StudyInstanceUID: study, ...attributes }));
  expect(found).toEqual(opened.attributes);
});

it("writes the map that Python writes", async () => {
  const random = opened.random.map((bytes) => Buffer.from(bytes, "hex"));
  const drawn = vi.spyOn(crypto, "getRandomValues").mockImplementation((array) => {
    (array as Uint8Array).set(random.find(({ length }) => length === array.byteLength)!);
    return array;
  });
  const made = await sealedMap(await originals(), opened.passphrase);
  expect(drawn).toHaveBeenCalledTimes(2);
  drawn.mockRestore();
  expect(Buffer.from(made).equals(readFileSync(`${FOLDER}/good_passphrase.map`))).toBe(true);
});

it("draws other bytes each time", async () => {
  const [one, other] = await Promise.all([sealedMap([], opened.passphrase), sealedMap([], opened.passphrase)]);
  expect(Buffer.from(one.subarray(20, 64)).equals(Buffer.from(other.subarray(20, 64)))).toBe(false);
});

it.each([
  ["ISO_IR 999", "abc"],
  ["\\ISO 2022 IR 159", "abc\x1b$(Ddef"],
])("refuses a character set that it does not read: %s", (sets, text) => {
  expect(() => decodedText(bytesOf(text), sets)).toThrow("expected text in a character set that this page reads");
});
