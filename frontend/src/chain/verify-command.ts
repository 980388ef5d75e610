import type { ChainConfig, Hex } from "../api/types";

/** What a shell takes as one word as it is. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/**
 * The command that checks a record on any machine, in a copy of ScanProof. A development chain is known to its own
 * machine only, which finds it by itself; `RPC_URL` stands for a node of the person's own choice where the server names
 * none.
 */
export function verifyCommand(imageId: Hex, { development, rpcUrl, contract, startBlock }: ChainConfig): string {
  const command = `uv run scanproof verify --image-id ${imageId}`;
  if (development) return command;
  return [command, `--rpc ${quoted(rpcUrl ?? "RPC_URL")}`, `--contract ${contract}`, `--contract-block ${startBlock}`].join(" ");
}

function quoted(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
