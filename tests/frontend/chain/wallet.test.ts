import { beforeEach, describe, expect, it, vi } from "vitest";
import { withWallet, type Wallet } from "../../../frontend/src/chain/discovery";
import { WalletSession } from "../../../frontend/src/chain/wallet";
import { NO_WALLET, reduceWallet } from "../../../frontend/src/chain/wallet-state";
import { chain, OTHER, UPLOADER } from "../samples";

/** A wallet at the protocol: answers by method, each a value or a function that gives it; and its events. */
function fakeWallet(answers: Record<string, unknown>, uuid = "one") {
  const listeners: Record<string, (payload: never) => void> = {};
  const request = vi.fn(({ method }: { method: string; params?: unknown[] }) => {
    const answer = answers[method];
    return Promise.resolve(typeof answer === "function" ? (answer as () => unknown)() : answer);
  });
  const wallet: Wallet = {
    uuid,
    name: "MetaMask",
    icon: null,
    rdns: "io.metamask",
    provider: { request, on: (event, listener) => (listeners[event] = listener) },
  };
  const asked = () => request.mock.calls.map(([{ method }]) => method);
  return { wallet, request, asked, emit: (event: string, payload: unknown) => listeners[event]?.(payload as never), listeners };
}

const refusal = (code: number, data?: object) => () => Promise.reject({ code, message: "no", data });

beforeEach(() => {
  const entries = new Map<string, string>();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => entries.get(key) ?? null,
    setItem: (key: string, value: string) => void entries.set(key, value),
  });
});

describe("the list of wallets", () => {
  const { wallet: one } = fakeWallet({}, "one");
  const { wallet: two } = fakeWallet({}, "two");
  const { wallet: injected } = fakeWallet({}, "injected");

  it("has one entry a uuid", () => {
    expect(withWallet(withWallet([one], two), { ...one })).toEqual([one, two]);
  });

  it("prefers wallets that announce themselves to the injected one", () => {
    expect(withWallet([injected], one)).toEqual([one]);
    expect(withWallet([one], injected)).toEqual([one]);
  });

  it("forgets account and chain when another wallet is selected", () => {
    const connected = { ...NO_WALLET, selected: one, account: UPLOADER, chainId: 1 } as const;
    expect(reduceWallet(connected, { type: "selected", wallet: two })).toMatchObject({ account: null, chainId: null });
  });
});

describe("the wallet session", () => {
  const answers = { eth_accounts: [], eth_requestAccounts: [UPLOADER.toLowerCase()], eth_chainId: "0x539" };

  it("connects on demand and shows the account in EIP-55", async () => {
    const { wallet } = fakeWallet(answers);
    const session = new WalletSession();
    await session.connect(wallet);
    expect(session.state).toMatchObject({ account: UPLOADER, chainId: 1337, asking: null, problem: null });
  });

  it("tells a declined connection and can connect afterwards", async () => {
    const { wallet } = fakeWallet({ ...answers, eth_requestAccounts: refusal(4001) });
    const session = new WalletSession();
    await session.connect(wallet);
    expect(session.state).toMatchObject({ account: null, problem: { request: "connect", error: { kind: "user-rejected" } } });
    await session.connect(fakeWallet(answers).wallet);
    expect(session.state).toMatchObject({ account: UPLOADER, problem: null });
  });

  it("says what the wallet is asking just now", async () => {
    const { wallet } = fakeWallet({ ...answers, eth_requestAccounts: () => new Promise(() => undefined) });
    const session = new WalletSession();
    void session.connect(wallet);
    await vi.waitFor(() => expect(session.state.asking).toBe("connect"));
  });

  it("follows the wallet's own changes, and stays connected through a disconnect event", async () => {
    const { wallet, emit, listeners } = fakeWallet(answers);
    const session = new WalletSession();
    await session.connect(wallet);
    emit("accountsChanged", [OTHER.toLowerCase()]);
    emit("chainChanged", "0x1");
    emit("disconnect", { code: 1013 });
    expect(session.state).toMatchObject({ account: OTHER, chainId: 1 });
    expect(Object.keys(listeners)).not.toContain("disconnect");
    emit("accountsChanged", []);
    expect(session.state.account).toBeNull();
  });

  it("ignores events of a wallet that is not selected", async () => {
    const first = fakeWallet(answers, "one");
    const session = new WalletSession();
    await session.connect(first.wallet);
    await session.connect(fakeWallet({ ...answers, eth_requestAccounts: [OTHER] }, "two").wallet);
    first.emit("accountsChanged", [UPLOADER]);
    expect(session.state.account).toBe(OTHER);
  });

  it.each([
    ["4902", refusal(4902)],
    ["4902 nested, as on mobile", refusal(-32603, { originalError: { code: 4902 } })],
  ])("adds a chain that the wallet does not know: %s", async (_, unknown) => {
    let chainId = "0x1";
    const { wallet, request, asked } = fakeWallet({
      ...answers,
      eth_chainId: () => chainId,
      wallet_switchEthereumChain: unknown,
      wallet_addEthereumChain: () => void (chainId = "0x539"),
    });
    const session = new WalletSession();
    await session.connect(wallet);
    await session.useChain(chain);
    expect(session.state).toMatchObject({ chainId: 1337, problem: null });
    expect(asked().filter((method) => method === "wallet_switchEthereumChain")).toHaveLength(1);
    const added = request.mock.calls.find(([{ method }]) => method === "wallet_addEthereumChain");
    expect(added?.[0].params).toEqual([
      { chainId: "0x539", chainName: "Ganache", rpcUrls: ["http://127.0.0.1:8545"], nativeCurrency: chain.currency },
    ]);
  });

  it("switches after adding where the wallet does not do so itself", async () => {
    let known = false;
    let chainId = "0x1";
    const { wallet } = fakeWallet({
      ...answers,
      eth_chainId: () => chainId,
      wallet_switchEthereumChain: () => (known ? void (chainId = "0x539") : refusal(4902)()),
      wallet_addEthereumChain: () => void (known = true),
    });
    const session = new WalletSession();
    await session.connect(wallet);
    await session.useChain(chain);
    expect(session.state.chainId).toBe(1337);
  });

  it("adds nothing without a node to offer, nor after a refusal", async () => {
    const unknown = fakeWallet({ ...answers, wallet_switchEthereumChain: refusal(4902) });
    const session = new WalletSession();
    await session.connect(unknown.wallet);
    await session.useChain({ ...chain, rpcUrl: null });
    expect(session.state.problem?.error.kind).toBe("unknown-chain");
    const declined = fakeWallet({ ...answers, wallet_switchEthereumChain: refusal(4001) }, "two");
    await session.connect(declined.wallet);
    await session.useChain(chain);
    expect(session.state.problem).toMatchObject({ request: "switch-chain", error: { kind: "user-rejected" } });
    expect([...unknown.asked(), ...declined.asked()]).not.toContain("wallet_addEthereumChain");
  });
});
