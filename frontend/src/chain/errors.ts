/** What wallets raise (EIP-1193, EIP-1474, and MetaMask's nesting of errors), as one typed error. */

import { describeRevert, type Revert } from "./reverts";

export type WalletErrorKind =
  | "user-rejected" // 4001
  | "wallet-locked" // 4100: this account may not be used by the page (any more)
  | "unknown-chain" // 4902
  | "request-pending" // -32002
  | "unsupported" // -32601 or 4200: the wallet does not have this method
  | "asked-already" // by another tab of this page
  | "chain-mismatch" // -32603 with a text about the active chain, or 4901
  | "no-funds"
  | "reverted"
  | "rpc-failed";

export class WalletError extends Error {
  constructor(
    readonly kind: WalletErrorKind,
    message: string,
    readonly revert: Revert | null = null,
  ) {
    super(message);
  }
}

const BY_CODE: Record<number, WalletErrorKind> = {
  4001: "user-rejected",
  4100: "wallet-locked",
  4901: "chain-mismatch",
  4902: "unknown-chain",
  4200: "unsupported",
  [-32601]: "unsupported",
  [-32002]: "request-pending",
};

/** Wallets nest the node's error in `data`, `data.originalError`, `cause` or `error`; the first is the outermost. */
function layers(error: unknown, depth = 0): Record<string, unknown>[] {
  if (typeof error !== "object" || error === null || depth > 4) return [];
  const layer = error as Record<string, unknown>;
  const inner = [layer.data, layer.originalError, layer.cause, layer.error];
  return [layer, ...inner.flatMap((value) => layers(value, depth + 1))];
}

/** The revert data of a failed call: `data` (most nodes) or `data.result` (Ganache). */
function revertData(all: Record<string, unknown>[]): string | null {
  const candidates = all.flatMap((layer) => [layer.data, layer.result]);
  const isData = (value: unknown): value is string => typeof value === "string" && /^0x([0-9a-f]{2}){4,}$/i.test(value);
  return candidates.find(isData) ?? null;
}

export function toWalletError(error: unknown): WalletError {
  if (error instanceof WalletError) return error;
  const all = layers(error);
  const messages = all.map((layer) => layer.message).filter((text) => typeof text === "string");
  const message = messages.at(-1) ?? String(error);
  for (const layer of all) {
    const kind = BY_CODE[layer.code as number];
    if (kind) return new WalletError(kind, typeof layer.message === "string" ? layer.message : message);
  }
  const revert = describeRevert(revertData(all));
  if (revert) return new WalletError("reverted", revert.text, revert);
  const text = messages.join(" ");
  if (/insufficient funds|sender doesn't have enough funds|insufficient balance/i.test(text)) {
    return new WalletError("no-funds", message);
  }
  if (/must match the active chain|chain ?id mismatch|chain mismatch/i.test(text)) {
    return new WalletError("chain-mismatch", message);
  }
  if (/\brevert/i.test(text)) return new WalletError("reverted", message);
  return new WalletError("rpc-failed", message);
}
