import { beforeEach, describe, expect, it, vi } from "vitest";
import { encodeErrorResult } from "viem/utils";
import type { Hex } from "../../../frontend/src/api/types";
import type { Wallet } from "../../../frontend/src/chain/discovery";
import { abi } from "../../../frontend/src/chain/registry";
import { SigningController, type SigningRequest } from "../../../frontend/src/components/signing-controller";
import { emptyBrowser, host, openTab } from "../browser";
import { chain, CID, hash, IMAGE_ID, OTHER, UPLOADER } from "../samples";

const registered = { data: encodeErrorResult({ abi, errorName: "ImageAlreadyRegistered", args: [IMAGE_ID] }) };

/** Only UPLOADER has registered the image before. */
const wallet: Wallet = {
  uuid: "one",
  name: "MetaMask",
  icon: null,
  rdns: "io.metamask",
  provider: {
    on: () => undefined,
    request: async ({ method, params }) => {
      const [call] = params as [{ from: Hex }];
      if (method === "eth_estimateGas" && call.from === UPLOADER) throw registered;
      return method === "eth_getBalance" ? "0xde0b6b3a7640000" : "0x5208";
    },
  },
};
const requestOf = (account: Hex): SigningRequest => ({ wallet, account, chain, cid: CID, classification: null, scope: "image" });

/** Nobody has registered the image until `isTaken`. */
function later() {
  const asked: string[] = [];
  let isTaken = false;
  const request = async ({ method }: { method: string }) => {
    asked.push(method);
    if (method === "eth_estimateGas" && isTaken) throw registered;
    if (method === "eth_sendTransaction") return hash("c");
    if (method === "eth_chainId") return "0x539";
    return method === "eth_getBalance" ? "0xde0b6b3a7640000" : "0x5208";
  };
  const provider: Wallet["provider"] = { on: () => undefined, request };
  return { wallet: { ...wallet, provider }, asked, take: () => void (isTaken = true) };
}

let answer: (response: Response) => void;
const record = { imageId: IMAGE_ID, diagnoses: [] };
const found = () => answer(new Response(JSON.stringify(record)));

beforeEach(() => {
  emptyBrowser();
  openTab();
  vi.stubGlobal("window", new EventTarget());
  vi.stubGlobal("fetch", vi.fn(() => new Promise<Response>((resolve) => (answer = resolve))));
});

describe("preparing a signature", () => {
  it("finds the record of an image that the account registered before", async () => {
    const signing = new SigningController(host);
    signing.follow(requestOf(UPLOADER));
    await vi.waitFor(() => expect(fetch).toHaveBeenCalled());
    found();
    await vi.waitFor(() => expect(signing.state).toMatchObject({ phase: "registered", record }));
  });

  it("throws away the record of an account that is no longer in use", async () => {
    const signing = new SigningController(host);
    signing.follow(requestOf(UPLOADER));
    await vi.waitFor(() => expect(fetch).toHaveBeenCalled());
    signing.follow(requestOf(OTHER));
    await vi.waitFor(() => expect(signing.state.phase).not.toBe("preparing"));
    const ready = signing.state;
    found();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ready).toMatchObject({ plan: { from: OTHER } });
    expect(signing.state).toBe(ready);
  });
});

describe("signing", () => {
  async function ready(account: Hex, own: Wallet): Promise<SigningController> {
    const signing = new SigningController(host);
    signing.follow({ ...requestOf(account), wallet: own });
    await vi.waitFor(() => expect(signing.state.phase).toBe("ready"));
    return signing;
  }

  it("simulates again before the wallet's window opens, with a margin of gas", async () => {
    const { wallet: own, asked } = later();
    const signing = await ready(OTHER, own);
    asked.length = 0;
    expect(await signing.sign()).toMatchObject({ hash: hash("c"), from: OTHER });
    expect(asked.indexOf("eth_estimateGas")).toBeLessThan(asked.indexOf("eth_sendTransaction"));
    expect(signing.state).toMatchObject({ phase: "waiting", cost: { gas: 21_000n, limit: 25_200n } });
  });

  it("opens no window for what was written elsewhere meanwhile", async () => {
    const { wallet: own, asked, take } = later();
    const signing = await ready(OTHER, own);
    take();
    const signed = signing.sign();
    await vi.waitFor(() => expect(fetch).toHaveBeenCalled());
    found();
    expect(await signed).toBeNull();
    expect(signing.state).toMatchObject({ phase: "registered", record });
    expect(asked).not.toContain("eth_sendTransaction");
  });
});
