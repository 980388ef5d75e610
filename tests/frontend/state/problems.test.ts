import { describe, expect, it } from "vitest";
import { ApiProblem, problemOf, ServerUnreachable } from "../../../frontend/src/api/errors";
import type { Limits } from "../../../frontend/src/api/types";
import { WalletError } from "../../../frontend/src/chain/errors";
import { AttestationMismatch } from "../../../frontend/src/chain/transactions";
import { checkFile, typeNames } from "../../../frontend/src/state/files";
import { DEVELOPMENT_ACCOUNT, describe as describeProblem, feeOver, noFunds } from "../../../frontend/src/state/problems";
import { chain, UPLOADER } from "../samples";

describe("a question about slices", () => {
  const asked = (type: string, slices: number[]) =>
    describeProblem(problemOf(409, JSON.stringify({ type: `urn:scanproof:problem:${type}`, detail: "send text=keep", slices }), null));

  it("has no words of the API", () => {
    const { title, text, slices } = asked("text-in-slices", [2]);
    expect([title, slices]).toEqual(["Is there a name in these pictures?", [2]]);
    expect(text).toContain("There seems to be text in slice 3. Nothing is pinned yet.");
    expect(asked("unrecognised-slices", [0, 4]).text).toContain("recognised in slices 1, 5. Nothing is pinned yet");
  });

  it("names a dozen of many", () => {
    const { text } = asked("text-in-slices", [...Array(15).keys()]);
    expect(text).toContain("in slices 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 3 more.");
  });
});

describe("problems in words", () => {
  it("is kind about a declined signature, and says that nothing is lost", () => {
    const { tone, title, text } = describeProblem(new WalletError("user-rejected", "User denied"));
    expect([tone, title]).toEqual(["info", "Nothing was signed"]);
    expect(text).toContain("Nothing is lost");
  });

  it("distinguishes a declined connection from a declined chain", () => {
    const rejected = new WalletError("user-rejected", "no");
    expect(describeProblem(rejected, "connect").title).toBe("You did not connect");
    expect(describeProblem(rejected, "switch-chain").title).toBe("The chain was not changed");
    expect(describeProblem(rejected, "change-account").title).toBe("The account was not changed");
  });

  it("says when to come back after too many requests", () => {
    const limited = new ApiProblem(429, "urn:x", "Too much", "no more than 30 uploads from one address", 42);
    expect(describeProblem(limited)).toMatchObject({
      kind: "rate-limited",
      retryAfter: 42,
      text: "No more than 30 uploads from one address. Wait 42 seconds; your work is saved.",
    });
  });

  it("shows the server's problem with its title, detail and type", () => {
    expect(describeProblem(new ApiProblem(409, "urn:t", "Another state", "expected a label, found none", null))).toEqual({
      kind: "problem",
      tone: "warning",
      title: "Another state",
      text: "Expected a label, found none.",
      type: "urn:t",
    });
  });

  it.each([413, 415])("tells a file that will never be taken, HTTP %i, from what may pass", (status) => {
    const refused = new ApiProblem(status, "urn:t", "Not an image", "expected a PNG, found text", null);
    expect(describeProblem(refused)).toMatchObject({ kind: "file-refused", text: "Expected a PNG, found text." });
  });

  it.each<[error: unknown, kind: string]>([
    [new ServerUnreachable("x"), "server-unreachable"],
    [new WalletError("request-pending", "x"), "request-pending"],
    [new WalletError("chain-mismatch", "x"), "chain-mismatch"],
    [new WalletError("wallet-locked", "x"), "wallet-locked"],
    [new WalletError("unknown-chain", "x"), "unknown-chain"],
    [new WalletError("rpc-failed", "x"), "rpc-failed"],
    [new WalletError("unsupported", "x"), "unsupported"],
    [new WalletError("asked-already", "x"), "asked-already"],
    [new WalletError("reverted", "x"), "reverted"],
    [new WalletError("no-funds", "x"), "no-funds"],
    [new AttestationMismatch("label", 1, 2), "attestation-mismatch"],
    [new TypeError("x"), "unexpected"],
    ["x", "unexpected"],
  ])("has a kind for %s", (error, kind) => expect(describeProblem(error).kind).toBe(kind));

  it("names the account to import on a development chain only", () => {
    expect(DEVELOPMENT_ACCOUNT).toBe(UPLOADER);
    const cost = { gas: 70_000n, limit: 84_000n, gasPrice: 2_000_000_000n, fee: 140_000_000_000_000n, balance: 0n };
    const problem = feeOver(cost, chain);
    expect(problem.title).toBe("Not enough ETH for the fee");
    expect(problem.text).toContain("The fee is about 0.00014 ETH, and this account has 0 ETH.");
    expect(problem.text).toContain(DEVELOPMENT_ACCOUNT);
    expect(noFunds("No.", { ...chain, development: false }).text).not.toContain(DEVELOPMENT_ACCOUNT);
  });
});

describe("files before they are sent", () => {
  const limits: Limits = { maxBytes: 1024, maxPixels: 100, maxSlideBytes: 4096, mediaTypes: ["image/png", "image/bmp", "image/jpeg"] };
  const check = (size: number, type: string) => checkFile({ name: "scan", size, type }, limits)?.kind ?? null;

  it.each([
    [1024, "image/png", null],
    [1025, "image/png", "file-too-large"],
    [0, "image/png", "file-empty"],
    [10, "image/gif", "file-type"],
    [10, "application/pdf", "file-type"],
    [10, "", null],
    [10, "image/x-ms-bmp", null],
    [10, "image/JPG", null],
  ])("%d bytes of %j: %s", (size, type, kind) => expect(check(size, type)).toBe(kind));

  it("names the accepted types", () => expect(typeNames(limits)).toBe("PNG, BMP, JPEG"));
});
