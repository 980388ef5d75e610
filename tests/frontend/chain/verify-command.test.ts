import { describe, expect, it } from "vitest";
import type { ChainConfig } from "../../../frontend/src/api/types";
import { verifyCommand } from "../../../frontend/src/chain/verify-command";
import { chain, IMAGE_ID } from "../samples";

const sepolia: ChainConfig = { ...chain, development: false, rpcUrl: "https://rpc.example/v1", startBlock: 6_543_210 };

describe("the auditor's command", () => {
  it("names node, contract and block, so that it works for a stranger", () => {
    expect(verifyCommand(IMAGE_ID, sepolia)).toBe(
      `uv run scanproof verify --image-id ${IMAGE_ID} --rpc https://rpc.example/v1 --contract ${chain.contract} --contract-block 6543210`,
    );
  });

  it("is short on a development chain, which its own machine finds", () => {
    expect(verifyCommand(IMAGE_ID, chain)).toBe(`uv run scanproof verify --image-id ${IMAGE_ID}`);
  });

  it("leaves a place for the node where the server names none", () => {
    expect(verifyCommand(IMAGE_ID, { ...sepolia, rpcUrl: null })).toContain(" --rpc RPC_URL --contract ");
  });

  it("stays one command in a shell, whatever the node's address has in it", () => {
    const command = verifyCommand(IMAGE_ID, { ...sepolia, rpcUrl: "https://rpc.example/?a=1&b='" });
    expect(command).toContain(String.raw` --rpc 'https://rpc.example/?a=1&b='\''' --contract `);
  });
});
