import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { ChainConfig, Hex } from "../api/types";
import { wallet } from "../chain/wallet";
import type { Wallet } from "../chain/discovery";
import type { WalletRequest } from "../chain/wallet-state";
import { short } from "../format";
import { describe, type Problem } from "../state/problems";
import { recoverFocus } from "../accessibility";
import { shared } from "../styles/shared";
import { icons } from "./icons";
import "./sp-notice";
import "./sp-wallet-wait";
import { WalletController } from "./wallet-controller";

/** What the person wants the wallet for, which decides the words. */
export type Purpose = "image" | "diagnosis" | "review" | "account" | "sign-in";

const WORDS: Record<Purpose, { signs: string; missing: string }> = {
  image: {
    signs: "the record",
    missing: "to record an image. Nothing is lost: the image stays pinned, and the result is saved here",
  },
  diagnosis: { signs: "the diagnosis", missing: "to record a diagnosis. The registered image stays on the chain" },
  review: { signs: "the review", missing: "to review. Without one you can read everything here" },
  "sign-in": { signs: "in to your account", missing: "to sign in with one" },
  account: { signs: "what you record or review", missing: "to record or review. Without one you can read everything here" },
};

const noWallet = (purpose: Purpose): Problem => ({
  kind: "no-wallet",
  tone: "info",
  title: "No wallet was found",
  text: `You need a browser wallet such as MetaMask ${WORDS[purpose].missing}. Install a wallet, then reload this page.`,
});

/** Finds and connects the wallet and switches it to the right chain; the wallet's window opens on a click only. */
@customElement("sp-wallet")
export class WalletPanel extends LitElement {
  static override styles = [
    shared,
    css`
      .account {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--space-1) var(--space-3);
      }
      .account code {
        overflow-wrap: anywhere;
      }
      img {
        width: 1.5rem;
        height: 1.5rem;
      }
      img:not([hidden]) + .icon {
        display: none;
      }
      /* The address in one line: the main button below it stays on the first screen of a phone. */
      @media (max-width: 28rem) {
        .account span {
          flex: 1 1 calc(100% - 3rem);
        }
        .account code {
          display: block;
          font-size: 0.7rem;
        }
        .account .quiet {
          min-height: 2rem;
          padding-left: 0;
        }
      }
    `,
  ];

  @property({ attribute: false }) chain!: ChainConfig;
  @property() purpose: Purpose = "image";
  /** Where the address stands beside it already. */
  @property({ type: Boolean }) brief = false;
  private readonly wallet = new WalletController(this);

  protected override updated(): void {
    recoverFocus(this.renderRoot);
  }

  protected override render() {
    const { wallets, searched, selected, accounts, account, chainId, asking, problem } = this.wallet.state;
    if (asking) return this.waiting(asking);
    if (wallets.length === 0) return searched ? this.noWallet() : nothing;
    const refusal = problem ? describe(problem.error, problem.request) : null;
    if (!selected || !account) {
      return html`<div class="stack" tabindex="-1" data-focus>
        ${refusal ? html`<sp-notice .problem=${refusal}></sp-notice>` : nothing}
        <p class="soft">
          ${wallets.length > 1 ? "Which wallet do you want to use?" : `Your wallet signs ${WORDS[this.purpose].signs}; it asks you before anything is written.`}
        </p>
        <div class="actions">${wallets.map((found) => this.connectButton(found))}</div>
      </div>`;
    }
    const wrong = chainId !== null && chainId !== this.chain.id;
    return html`<div class="stack" tabindex="-1" data-focus>
      <div class="account">
        ${logoOf(selected)}
        <span>${selected.name}${this.brief ? nothing : html`: <code data-testid="account">${account}</code>`}</span>
        <button class="button quiet" type="button" @click=${() => void wallet.changeAccount()}>Change account</button>
        ${wallets.length > 1
          ? html`<button class="button quiet" type="button" @click=${() => wallet.release()}>Change wallet</button>`
          : nothing}
      </div>
      ${this.others(accounts.filter((other) => other !== account))}
      ${wrong ? this.wrongChain(chainId, refusal) : refusal ? html`<sp-notice .problem=${refusal}></sp-notice>` : nothing}
    </div>`;
  }

  /** A wallet can have connected several accounts, of which the page uses one. */
  private others(accounts: Hex[]) {
    if (accounts.length === 0) return nothing;
    return html`<p class="small">
      <span class="soft">Connected too:</span>
      ${accounts.map(
        (account) => html`<button class="button quiet" type="button" title=${account} @click=${() => wallet.use(account)}>
          Use ${short(account, 4)}
        </button>`,
      )}
    </p>`;
  }

  private connectButton(found: Wallet) {
    return html`<button class="button primary" type="button" @click=${() => void wallet.connect(found)}>
      ${logoOf(found)} Connect ${found.name}
    </button>`;
  }

  private wrongChain(chainId: number, refusal: Problem | null) {
    const { name, id, development, rpcUrl } = this.chain;
    const expected = `It may ask to add this chain first, and warn that its name or RPC URL${rpcUrl ? ` (${rpcUrl})` : ""} is unknown: that is to be expected, because the chain runs on this machine and no public list has it.`;
    const text = `It is on chain ${chainId}; ${WORDS[this.purpose].signs} goes to ${name} (chain ${id}). Your wallet will ask you.${development ? ` ${expected}` : ""}`;
    const problem: Problem = { kind: "wrong-chain", tone: "warning", title: `Switch your wallet to ${name}`, text };
    return html`<sp-notice .problem=${refusal ?? problem}>
      <button class="button primary" type="button" @click=${() => void wallet.useChain(this.chain)}>Switch to ${name}</button>
    </sp-notice>`;
  }

  private waiting(asking: WalletRequest) {
    const tasks: Record<WalletRequest, string> = {
      connect: "choose the account and approve the connection",
      "change-account": "choose the accounts that this page may use",
      "switch-chain": `approve the switch to ${this.chain.name}`,
      disconnect: "remove this site",
    };
    const { name } = this.wallet.state.selected ?? { name: "your wallet" };
    return html`<sp-wallet-wait tabindex="-1" data-focus .wallet=${name} .what=${tasks[asking]}></sp-wallet-wait>`;
  }

  private noWallet() {
    return html`<sp-notice .problem=${noWallet(this.purpose)}>
      <a class="button" href="https://metamask.io/download" target="_blank" rel="noopener noreferrer">
        Get MetaMask ${icons.external}<span class="visually-hidden">(opens another site)</span>
      </a>
    </sp-notice>`;
  }
}

/** The wallet's own icon once it has loaded, else a general one. */
function logoOf({ icon }: Wallet) {
  return html`${icon ? html`<img hidden src=${icon} alt="" @load=${settled} @error=${settled} />` : nothing}${icons.wallet}`;
}

function settled({ target, type }: Event): void {
  (target as HTMLImageElement).hidden = type === "error";
}
