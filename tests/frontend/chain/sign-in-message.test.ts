import { describe, expect, it } from "vitest";
import { signInMessage, signMessage } from "../../../frontend/src/chain/sign-in-message";
import type { Wallet } from "../../../frontend/src/chain/discovery";
import { UPLOADER } from "../samples";

const PARTS = {
  domain: "scanproof.example",
  uri: "https://scanproof.example",
  statement: "Sign in to ScanProof.",
  chainId: 1337,
  nonce: "0123456789abcdef",
  seconds: 600,
};

const wallet = (request: Wallet["provider"]["request"]): Wallet => ({
  uuid: "1",
  name: "W",
  icon: null,
  rdns: "w",
  provider: { request, on: () => undefined },
});

describe("Sign-In with Ethereum", () => {
  it("says where, who, for what and until when", () => {
    expect(signInMessage(PARTS, UPLOADER, new Date("2026-11-29T10:00:00Z"))).toBe(
      `scanproof.example wants you to sign in with your Ethereum account:\n${UPLOADER}\n\nSign in to ScanProof.\n\n` +
        "URI: https://scanproof.example\nVersion: 1\nChain ID: 1337\nNonce: 0123456789abcdef\n" +
        "Issued At: 2026-11-29T10:00:00.000Z\nExpiration Time: 2026-11-29T10:10:00.000Z",
    );
  });

  it("is signed by the wallet as the octets of the text", async () => {
    const asked: unknown[] = [];
    const signature = await signMessage(wallet(async (request) => (asked.push(request), "0x12")), UPLOADER, "aé");
    expect(signature).toBe("0x12");
    expect(asked).toEqual([{ method: "personal_sign", params: ["0x61c3a9", UPLOADER] }]);
  });

  it("raises what the wallet raises as an error of it", async () => {
    const refused = wallet(() => Promise.reject(Object.assign(new Error("no"), { code: 4001 })));
    await expect(signMessage(refused, UPLOADER, "a")).rejects.toMatchObject({ kind: "user-rejected" });
  });
});
