import { getAddress } from "viem/utils";
import type { ChainConfig, Hex } from "../api/types";
import { read, remove, write } from "../storage";
import { NO_WALLET, reduceWallet, type WalletEvent, type WalletRequest, type WalletState } from "./wallet-state";
import { discover, type Wallet } from "./discovery";
import { toWalletError, WalletError } from "./errors";

const CHOSEN_KEY = "scanproof.wallet";
/** The account that the person chose here, and the one that was selected in the wallet then. */
const ACCOUNT_KEY = "scanproof.account";
/** The wallet that the person disconnected from though the wallet cannot revoke the permission. */
const LEFT_KEY = "scanproof.wallet.left";
const PERMISSION = [{ eth_accounts: {} }];
export const hexId = (id: number | bigint): Hex => `0x${id.toString(16)}`;

/**
 * The connection to the person's wallet. It reads accounts and chain without asking; only `connect`, `changeAccount` and
 * `useChain`, called on a click, open the wallet's own window. `change` is dispatched after every change of `state`.
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
    remove(LEFT_KEY);
    await this.select(wallet);
    await this.ask("connect", async () => {
      const accounts = await wallet.provider.request({ method: "eth_requestAccounts" });
      write(CHOSEN_KEY, wallet.rdns);
      this.accounts(wallet, accounts);
      await this.readChain(wallet);
    });
  }

  /** Lets the person choose in the wallet which accounts this page may use; one that was not there before is used. */
  async changeAccount(): Promise<void> {
    const wallet = this.state.selected;
    if (!wallet) return;
    const before = this.state.accounts;
    await this.ask("change-account", async () => {
      await wallet.provider.request({ method: "wallet_requestPermissions", params: PERMISSION });
      const accounts = addresses(await wallet.provider.request({ method: "eth_accounts" }));
      const added = accounts.find((account) => !before.includes(account));
      this.accounts(wallet, accounts, added);
      if (added) this.remember(added);
    });
  }

  /** Uses another account of those that the wallet has connected. */
  use(account: Hex): void {
    this.reduce({ type: "used", account });
    this.remember(account);
  }

  /** Gives the permission back. A wallet that cannot do so is left alone until the person connects again. */
  async disconnect(): Promise<void> {
    const wallet = this.state.selected;
    if (!wallet) return;
    await this.ask("disconnect", async () => {
      const unsupported = await this.revoke(wallet);
      if (unsupported) write(LEFT_KEY, wallet.rdns);
      remove(ACCOUNT_KEY);
      this.reduce({ type: "accounts", accounts: [] });
      if (unsupported) throw unsupported;
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

  /** The wallet's error if it cannot revoke at all; raises every other one. */
  private async revoke(wallet: Wallet): Promise<WalletError | null> {
    try {
      await wallet.provider.request({ method: "wallet_revokePermissions", params: PERMISSION });
      return null;
    } catch (raised) {
      const error = toWalletError(raised);
      if (error.kind !== "unsupported") throw error;
      return error;
    }
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

  private accounts(wallet: Wallet, found: unknown, preferred?: Hex): void {
    if (wallet !== this.state.selected || wallet.rdns === read(LEFT_KEY)) return;
    const accounts = addresses(found);
    const changed = accounts.join() !== this.state.accounts.join();
    if (changed || preferred) this.reduce({ type: "accounts", accounts, preferred: preferred ?? this.remembered(accounts) });
  }

  /** What the person chose here, until another account is selected in the wallet. */
  private remembered([selected]: Hex[]): Hex | undefined {
    const kept = read(ACCOUNT_KEY) as { account: Hex; selected: Hex } | null;
    return kept?.selected === selected ? kept?.account : undefined;
  }

  private remember(account: Hex): void {
    write(ACCOUNT_KEY, { account, selected: this.state.accounts[0] });
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

/** EIP-55, whatever the wallet gives. */
function addresses(found: unknown): Hex[] {
  return Array.isArray(found) ? found.filter((one): one is string => typeof one === "string").map((one) => getAddress(one)) : [];
}

export const wallet = new WalletSession();
