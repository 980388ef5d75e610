import { getAddress } from "viem/utils";
import type { ChainConfig, Hex } from "../api/types";
import { read, write } from "../storage";
import { NO_WALLET, reduceWallet, type WalletEvent, type WalletRequest, type WalletState } from "./wallet-state";
import { discover, type Wallet } from "./discovery";
import { toWalletError, WalletError } from "./errors";

const CHOSEN_KEY = "scanproof.wallet";
export const hexId = (id: number): Hex => `0x${id.toString(16)}`;

/**
 * The connection to the person's wallet. It reads accounts and chain without asking; only `connect` and `useChain`,
 * called on a click, open the wallet's own window. `change` is dispatched after every change of `state`.
 *
 * `disconnect` events are not listened to: MetaMask sends one after every added chain, and stays connected.
 */
export class WalletSession extends EventTarget {
  state: WalletState = NO_WALLET;
  private readonly watched = new Set<Wallet>();

  start(): void {
    discover(
      (wallet) => {
        this.reduce({ type: "found", wallet });
        // Only what a reload would restore: the wallet used before, whose window stays shut.
        if (!this.state.selected && wallet.rdns === read(CHOSEN_KEY)) void this.select(wallet);
      },
      () => {
        const only = this.state.wallets.length === 1 ? this.state.wallets[0] : undefined;
        if (!this.state.selected && only) void this.select(only);
        this.reduce({ type: "searched" });
      },
    );
  }

  async connect(wallet: Wallet): Promise<void> {
    await this.select(wallet);
    await this.ask("connect", async () => {
      const accounts = await wallet.provider.request({ method: "eth_requestAccounts" });
      write(CHOSEN_KEY, wallet.rdns);
      this.accounts(wallet, accounts);
      await this.readChain(wallet);
    });
  }

  /** Lets the person pick another wallet. */
  release(): void {
    this.reduce({ type: "released" });
  }

  /** Switches the wallet to `chain`, adding it first where the wallet does not know it. */
  async useChain(chain: ChainConfig): Promise<void> {
    const wallet = this.state.selected;
    if (!wallet) return;
    const chainId = hexId(chain.id);
    const change = (method: string, parameter: object) => wallet.provider.request({ method, params: [parameter] });
    await this.ask("switch-chain", async () => {
      try {
        await change("wallet_switchEthereumChain", { chainId });
      } catch (error) {
        const known = toWalletError(error);
        if (known.kind !== "unknown-chain" || !chain.rpcUrl) throw known;
        await change("wallet_addEthereumChain", {
          chainId,
          chainName: chain.name,
          rpcUrls: [chain.rpcUrl],
          nativeCurrency: chain.currency,
          ...(chain.explorerUrl ? { blockExplorerUrls: [chain.explorerUrl] } : {}),
        });
        await this.readChain(wallet);
        // MetaMask switches too when it adds; not every wallet does.
        if (this.state.chainId !== chain.id) await change("wallet_switchEthereumChain", { chainId });
      }
      await this.readChain(wallet);
    });
  }

  private async select(wallet: Wallet): Promise<void> {
    this.reduce({ type: "selected", wallet });
    this.watch(wallet);
    try {
      this.accounts(wallet, await wallet.provider.request({ method: "eth_accounts" }));
      await this.readChain(wallet);
    } catch {
      // A locked wallet may refuse even this; connecting asks it properly.
    }
  }

  private watch(wallet: Wallet): void {
    if (this.watched.has(wallet)) return;
    this.watched.add(wallet);
    wallet.provider.on("accountsChanged", (accounts: unknown) => this.accounts(wallet, accounts));
    wallet.provider.on("chainChanged", (chainId: unknown) => this.chain(wallet, chainId));
  }

  private async ask(request: WalletRequest, work: () => Promise<void>): Promise<void> {
    this.reduce({ type: "asked", request });
    try {
      await work();
      this.reduce({ type: "answered" });
    } catch (error) {
      this.reduce({ type: "refused", request, error: toWalletError(error) });
    }
  }

  private async readChain(wallet: Wallet): Promise<void> {
    this.chain(wallet, await wallet.provider.request({ method: "eth_chainId" }));
  }

  private accounts(wallet: Wallet, accounts: unknown): void {
    const first: unknown = Array.isArray(accounts) ? accounts[0] : undefined;
    const account = typeof first === "string" ? getAddress(first) : null;
    if (wallet === this.state.selected && account !== this.state.account) this.reduce({ type: "account", account });
  }

  private chain(wallet: Wallet, chainId: unknown): void {
    const id = Number(chainId);
    if (!Number.isSafeInteger(id)) throw new WalletError("rpc-failed", `expected a chain id, found ${String(chainId)}`);
    if (wallet === this.state.selected && id !== this.state.chainId) this.reduce({ type: "chain", chainId: id });
  }

  private reduce(event: WalletEvent): void {
    this.state = reduceWallet(this.state, event);
    this.dispatchEvent(new Event("change"));
  }
}

export const wallet = new WalletSession();
