/** CIDs were computed by the backend's UnixFS code, digest and signature by eth_account; the key is 32 bytes of 0x11. */

import { sha256 } from "viem/utils";
import { describe, expect, it } from "vitest";
import { cidOf } from "../../../frontend/src/chain/cid";
import { diagnosisIdOf } from "../../../frontend/src/chain/diagnosis";
import { prove, type Evidence } from "../../../frontend/src/chain/proof";
import { imageIdOf } from "../../../frontend/src/chain/registry";
import { changesOf } from "../../../frontend/src/state/tampering";
import { attestation, chain, hash, UPLOADER } from "../samples";

const SIGNER = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A";
const SIGNATURE =
  "0x9b22b6ca7f2057d8a9b54b6f089532c6050d7565b5f0bbf202106eaa7591c9b916393901213d426389039753f3e22af023dcf8abab8f64f4682b604c05f0b04b1c";
const pattern = (size: number) => Uint8Array.from({ length: size }, (_, i) => (i * 7 + Math.floor(i / 251)) % 256);

describe("the CID of bytes", () => {
  it.each([
    [0, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"],
    [1, "bafkreidogqfzz75tpkmjzjke425xqcrmpcib2p5tg44hnbirumdbpl5adu"],
    [262_144, "bafkreidtpmdhdmgsrvgltsrlzrfs5ragszmg3o3legvfagtwldoeiucayu"],
    [262_145, "bafybeidbuw2hpnkpnbwvz6xirywx74hyz64czv2fhdsr2m2c67bbpsd3m4"],
    [1_000_000, "bafybeicainafyncb23v7rqufgwgqscwyivdnnpcax3mz5ed5nvs2mlnn34"],
  ])("is Pinata's for %i bytes", async (size, expected) => expect(await cidOf(pattern(size))).toBe(expected));

  it.each([
    [174 * 262_144, "bafybeibxsa3ioclowpaq7b6gxl65gzqneopfr3fnhedak6sqr4bjz5lnyq"],
    [174 * 262_144 + 1, "bafybeihqwzd3o6q6v3pmwhzjy22vokhr767burokmqemg63hptx2nqd7ym"],
  ])("is the same for a file that is read chunk by chunk, of %i zeros", async (size, expected) => {
    expect(await cidOf(new Blob([new Uint8Array(size)]))).toBe(expected);
  });
});

describe("the digest of a diagnosis", () => {
  it("is the contract's", () => {
    expect(diagnosisIdOf(attestation.diagnosis, chain)).toBe("0x85dd8619131c3eea425c13fb3006a5696733d1a4ece3331edad1d446a26458be");
  });
});

describe("the checks of a record", () => {
  it("recover the classifier from the signature", async () => {
    const evidence = { ...(await signed()), diagnosis: { ...diagnosis, manifest: null, classifier: SIGNER, signature: SIGNATURE } as const };
    const proofs = await prove(evidence, chain);
    expect(proofs.at(-1)).toMatchObject({ passed: true, expected: SIGNER, found: SIGNER });
  });

  it.each<[change: string, failed: string[]]>([
    ["image", ["The image's bytes give the CID"]],
    ["account", ["Account and CID give the image id"]],
    ["label", ["The manifest agrees with the chain", "The signature is the classifier's"]],
    ["manifest", ["The manifest's bytes give its hash on the chain", "The manifest agrees with the chain"]],
  ])("notice a change of the %s, and only that", async (id, failed) => {
    const evidence = await signed();
    const failing = async (shown: Evidence) => (await prove(shown, chain)).filter(({ passed }) => !passed).map(({ name }) => name);
    expect(await failing(evidence)).toEqual([]);
    const { changed } = changesOf(evidence, 3)[["image", "account", "label", "manifest"].indexOf(id)]!;
    expect(await failing(changed!)).toEqual(failed);
  });

  it("notice a changed byte wherever it is, past the end too, and leave the true bytes alone", async () => {
    const evidence = await signed();
    for (const position of [0, IMAGE.length - 1, IMAGE.length + 5]) {
      const { changed, text } = changesOf(evidence, position)[0]!;
      expect((await prove(changed!, chain))[0]).toMatchObject({ passed: false });
      expect(text).toContain(`byte ${Math.min(position, IMAGE.length - 1)} of ${IMAGE.length}: `);
    }
    expect(evidence.image).toEqual(pattern(IMAGE.length));
  });

  it("say what cannot be changed where a record has no such part", async () => {
    const bare: Evidence = { ...(await signed()), image: null, diagnosis: null };
    expect(changesOf(bare, 0).map(({ changed }) => changed !== null)).toEqual([false, true, false, false]);
    expect(await prove(bare, chain)).toHaveLength(1);
  });

  it.each([
    ["none", 0, true],
    ["that of its manifest, as on the first contract", 9400, true],
    ["another one", 1, false],
  ])("accept as the confidence of an abstention: %s", async (_, confidence, passed) => {
    const manifest = new TextEncoder().encode(JSON.stringify({ image: { cid: CID }, labelCode: 0, confidence: 0.94 }));
    const evidence = await signed(manifest, { label: 0, confidence });
    const found = (await prove(evidence, chain)).find(({ name }) => name === "The manifest agrees with the chain");
    expect(found).toMatchObject({ passed });
  });

  it("tell a signature that is none", async () => {
    const evidence = await signed();
    const broken = { ...evidence, diagnosis: { ...evidence.diagnosis!, signature: `0x${"00".repeat(65)}` as const } };
    expect((await prove(broken, chain)).at(-1)).toMatchObject({ passed: false, found: "none: the signature does not match these values" });
  });
});

const IMAGE = pattern(300_000);
const CID = await cidOf(IMAGE);
const imageId = imageIdOf(UPLOADER, CID);
const MANIFEST = new TextEncoder().encode(JSON.stringify({ image: { cid: CID }, labelCode: 1, confidence: 0.98765 }));
const diagnosis = { fields: attestation.diagnosis, signature: hash("1"), classifier: SIGNER, manifest: MANIFEST } as const;

/** A record whose parts all fit, signed by a key of the test's own. */
async function signed(manifest = MANIFEST, changes: Partial<typeof attestation.diagnosis> = {}): Promise<Evidence> {
  const { privateKeyToAccount } = await import("viem/accounts");
  const { typedData } = await import("../../../frontend/src/chain/diagnosis");
  const fields = { ...attestation.diagnosis, imageId, manifestHash: sha256(manifest), ...changes };
  const account = privateKeyToAccount(hash("1"));
  const signature = await account.signTypedData(typedData(fields, chain));
  return { image: IMAGE, cid: CID, uploader: UPLOADER, imageId, diagnosis: { fields, signature, classifier: account.address, manifest } };
}
