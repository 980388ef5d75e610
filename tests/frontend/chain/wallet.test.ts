import { beforeEach, describe, expect, it, vi } from "vitest";
import { withWallet, type Wallet } from "../../../frontend/src/chain/discovery";
import { WalletSession } from "../../../frontend/src/chain/wallet";
import { NO_WALLET, reduceWallet, type WalletState } from "../../../frontend/src/chain/wallet-state";
import type { Hex } from "../../../frontend/src/api/types";
import { chain, OTHER, UPLOADER } from "../samples";

const THIRD = "0x90F79bf6EB2c4f870365E785982E1f101E93b906";

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
    removeItem: (key: string) => void entries.delete(key),
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
    expect(reduceWallet(connected, { type: "selected", wallet: two })).toMatchObject({ accounts: [], account: null, chainId: null });
  });
});

describe("the account in use", () => {
  const both = { ...NO_WALLET, accounts: [UPLOADER, OTHER], account: OTHER } satisfies WalletState;
  const after = (accounts: Hex[], preferred?: Hex) => reduceWallet(both, { type: "accounts", accounts, preferred }).account;

  it("is the first that the wallet gives", () => {
    expect(reduceWallet(NO_WALLET, { type: "accounts", accounts: [OTHER, UPLOADER] }).account).toBe(OTHER);
  });

  it("stays while the wallet has the same one selected", () => expect(after([UPLOADER, OTHER])).toBe(OTHER));
  it("is the one that was selected in the wallet", () => expect(after([THIRD, UPLOADER, OTHER])).toBe(THIRD));
  it("is the preferred one, if it is connected", () => {
    expect(after([UPLOADER, THIRD, OTHER], THIRD)).toBe(THIRD);
    expect(after([UPLOADER, OTHER], THIRD)).toBe(OTHER);
  });
  it("is another one when it was disconnected, or none", () => {
    expect(after([UPLOADER])).toBe(UPLOADER);
    expect(after([])).toBeNull();
  });

  it("can be any that is connected, and no other", () => {
    expect(reduceWallet(both, { type: "used", account: UPLOADER }).account).toBe(UPLOADER);
    expect(reduceWallet(both, { type: "used", account: THIRD })).toBe(both);
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

  describe("with several accounts", () => {
    let connected: Hex[] = [];
    const several = {
      ...answers,
      eth_accounts: () => connected,
      eth_requestAccounts: () => connected,
      wallet_requestPermissions: () => void (connected = [UPLOADER, OTHER]),
      wallet_revokePermissions: () => void (connected = []),
    };
    beforeEach(() => void (connected = [UPLOADER]));

    it("uses the account that was added, and again after a reload", async () => {
      const { wallet, request } = fakeWallet(several);
      const session = new WalletSession();
      await session.connect(wallet);
      await session.changeAccount();
      expect(session.state).toMatchObject({ accounts: [UPLOADER, OTHER], account: OTHER, asking: null });
      expect(request.mock.calls.map(([asked]) => asked)).toContainEqual({ method: "wallet_requestPermissions", params: [{ eth_accounts: {} }] });
      const reloaded = new WalletSession();
      await reloaded.connect(wallet);
      expect(reloaded.state.account).toBe(OTHER);
      reloaded.use(UPLOADER);
      expect(reloaded.state.account).toBe(UPLOADER);
    });

    it("forgets that choice when another account is selected in the wallet", async () => {
      const { wallet } = fakeWallet(several);
      const session = new WalletSession();
      await session.connect(wallet);
      await session.changeAccount();
      session.use(UPLOADER);
      connected = [OTHER, UPLOADER];
      const reloaded = new WalletSession();
      await reloaded.connect(wallet);
      expect(reloaded.state.account).toBe(OTHER);
    });

    it("keeps the account when the person declines, or the wallet cannot", async () => {
      for (const [code, kind] of [[4001, "user-rejected"], [-32601, "unsupported"]] as const) {
        const { wallet } = fakeWallet({ ...several, wallet_requestPermissions: refusal(code) });
        const session = new WalletSession();
        await session.connect(wallet);
        await session.changeAccount();
        expect(session.state).toMatchObject({ account: UPLOADER, problem: { request: "change-account", error: { kind } } });
      }
    });

    it("gives the permission back", async () => {
      const { wallet, asked } = fakeWallet(several);
      const session = new WalletSession();
      await session.connect(wallet);
      await session.disconnect();
      expect(session.state).toMatchObject({ accounts: [], account: null, problem: null });
      expect(asked()).toContain("wallet_revokePermissions");
    });

    it("stays connected when the person declines, or the wallet fails", async () => {
      for (const [code, kind] of [[4001, "user-rejected"], [4100, "wallet-locked"], [-32603, "rpc-failed"]] as const) {
        const { wallet, emit } = fakeWallet({ ...several, wallet_revokePermissions: refusal(code) });
        const session = new WalletSession();
        await session.connect(wallet);
        await session.disconnect();
        expect(session.state).toMatchObject({ account: UPLOADER, asking: null, problem: { request: "disconnect", error: { kind } } });
        emit("accountsChanged", [OTHER]);
        expect(session.state.account).toBe(OTHER);
      }
    });

    it("leaves a wallet alone that cannot revoke, until the person connects again", async () => {
      const { wallet, emit } = fakeWallet({ ...several, wallet_revokePermissions: refusal(-32601) });
      const session = new WalletSession();
      await session.connect(wallet);
      await session.disconnect();
      emit("accountsChanged", [OTHER]);
      expect(session.state).toMatchObject({ account: null, problem: { request: "disconnect", error: { kind: "unsupported" } } });
      await session.connect(wallet);
      expect(session.state.account).toBe(UPLOADER);
    });
  });
});
