import { encodeErrorResult } from "viem/utils";
import { describe, expect, it } from "vitest";
import { toWalletError } from "../../../frontend/src/chain/errors";
import { abi } from "../../../frontend/src/chain/registry";
import { hash } from "../samples";

const registered = encodeErrorResult({ abi, errorName: "ImageAlreadyRegistered", args: [hash("1")] });

describe("what wallets raise", () => {
  it.each([
    ["a rejected connection", { code: 4001, message: "User rejected the request." }, "user-rejected"],
    ["a rejected transaction", { code: 4001, message: "MetaMask Tx Signature: User denied transaction signature." }, "user-rejected"],
    ["an unknown chain", { code: 4902, message: "Unrecognized chain ID" }, "unknown-chain"],
    [
      "an unknown chain on mobile",
      { code: -32603, message: "Internal JSON-RPC error.", data: { originalError: { code: 4902, message: "Unrecognized" } } },
      "unknown-chain",
    ],
    ["a method that the wallet lacks", { code: -32601, message: "The method does not exist" }, "unsupported"],
    ["a method that is not supported (EIP-1193)", { code: 4200, message: "Unsupported Method" }, "unsupported"],
    ["an open request", { code: -32002, message: "Request of type 'x' already pending." }, "request-pending"],
    [
      "another chain",
      { code: -32603, message: 'Provided chainId "1337" must match the active chainId "1"' },
      "chain-mismatch",
    ],
    ["a locked wallet", { code: 4100, message: "The requested account has not been authorized." }, "wallet-locked"],
    [
      "no funds at the node",
      { code: -32603, message: "Internal JSON-RPC error.", data: { code: -32000, message: "insufficient funds for gas * price + value" } },
      "no-funds",
    ],
    ["no funds at Ganache", { code: -32000, message: "sender doesn't have enough funds to send tx" }, "no-funds"],
    ["a node that fails", { code: -32603, message: "Internal JSON-RPC error." }, "rpc-failed"],
    ["an error without code", new Error("fetch failed"), "rpc-failed"],
    ["no error at all", "broken", "rpc-failed"],
  ])("knows %s", (_, error, kind) => {
    expect(toWalletError(error).kind).toBe(kind);
  });

  it.each([
    ["in data", { code: 3, message: "execution reverted", data: registered }],
    ["nested by MetaMask", { code: -32603, message: "Internal JSON-RPC error.", data: { code: 3, message: "execution reverted", data: registered } }],
    [
      "in Ganache's result",
      { code: -32603, message: "VM Exception", data: { code: -32000, message: "VM Exception", data: { hash: null, result: registered } } },
    ],
    ["in a cause", { message: "failed", cause: { data: registered } }],
  ])("decodes a revert %s", (_, error) => {
    const found = toWalletError(error);
    expect(found.kind).toBe("reverted");
    expect(found.revert?.name).toBe("ImageAlreadyRegistered");
  });

  it("knows a revert without data", () => {
    expect(toWalletError({ code: -32000, message: "execution reverted" })).toMatchObject({ kind: "reverted", revert: null });
  });

  it("shows the innermost message", () => {
    const error = { code: -32603, message: "Internal JSON-RPC error.", data: { message: "the node says no" } };
    expect(toWalletError(error).message).toBe("the node says no");
  });

  it("leaves an error alone that is known already", () => {
    const known = toWalletError({ code: 4001, message: "no" });
    expect(toWalletError(known)).toBe(known);
  });
});
