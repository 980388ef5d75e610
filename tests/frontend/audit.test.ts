import { describe, expect, it } from "vitest";
import type { ChainConfig } from "../../frontend/src/api/types";
import { auditCommand } from "../../frontend/src/chain/audit";
import { chain, IMAGE_ID } from "./samples";

const sepolia: ChainConfig = { ...chain, development: false, rpcUrl: "https://rpc.example/v1", startBlock: 6_543_210 };

describe("the auditor's command", () => {
  it("names node, contract and block, so that it works for a stranger", () => {
    expect(auditCommand(IMAGE_ID, sepolia)).toBe(
      `uv run scanproof verify --image-id ${IMAGE_ID} --rpc https://rpc.example/v1 --contract ${chain.contract} --contract-block 6543210`,
    );
  });

  it("is short on a development chain, which its own machine finds", () => {
    expect(auditCommand(IMAGE_ID, chain)).toBe(`uv run scanproof verify --image-id ${IMAGE_ID}`);
  });

  it("leaves a place for the node where the server names none", () => {
    expect(auditCommand(IMAGE_ID, { ...sepolia, rpcUrl: null })).toContain(" --rpc RPC_URL --contract ");
  });

  it("stays one command in a shell, whatever the node's address has in it", () => {
    const command = auditCommand(IMAGE_ID, { ...sepolia, rpcUrl: "https://rpc.example/?a=1&b='" });
    expect(command).toContain(String.raw` --rpc 'https://rpc.example/?a=1&b='\''' --contract `);
  });
});
