import { LitElement, css, html, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { api } from "../api/client";
import type { ChainConfig } from "../api/types";
import type { Wallet } from "../chain/discovery";
import { lookUp, type Outcome } from "../chain/intent-watch";
import { intents, type Intent } from "../chain/intents";
import type { PendingTransaction } from "../chain/transaction-state";
import { time } from "../format";
import { describe, type Problem } from "../state/problems";
import { shared } from "../styles/shared";
import "./sp-notice";
import { hintFor } from "./sp-wallet-wait";
import { WalletController } from "./wallet-controller";

const FIRST_MS = 1500;
const LONGEST_MS = 4000;
const GROWTH = 1.4;
/** The server's index can be a moment behind the wallet's node. */
const LOOK_UPS = 3;

/**
 * A request to the wallet whose answer this page did not hear. It is followed on the chain. Event `found` with the
 * PendingTransaction that came of it; when nothing can come of it any more, its intent is removed.
 */
@customElement("sp-open-request")
export class OpenRequest extends LitElement {
  static override styles = [
    shared,
    css`
      .hint {
        margin-top: var(--space-2);
      }
    `,
  ];

  @property({ attribute: false }) intent!: Intent;
  @property({ attribute: false }) chain!: ChainConfig;
  @state() private progress: "looking" | "asking" | "under-way" = "looking";
  /** Whether another tab waits for the wallet's answer. */
  @state() private awaited = false;
  @state() private problem: Problem | null = null;
  private readonly wallet = new WalletController(this);
  private superseded = 0;
  private timer = 0;
  private pause = FIRST_MS;

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("focus", this.soon);
    this.soon();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("focus", this.soon);
    window.clearTimeout(this.timer);
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("intent") && changed.get("intent")) this.soon();
  }

  protected override render() {
    if (this.progress === "looking" && !this.problem) {
      return html`<p class="busy" role="status"><span class="spinner"></span>Checking whether your wallet is still asking …</p>`;
    }
    return html`<sp-notice tabindex="-1" data-testid="open-request" data-state=${this.progress} .problem=${this.words()}>
        ${this.awaited || this.progress === "under-way"
          ? nothing
          : html`<button class="button" type="button" @click=${() => void this.declined()}>
              ${this.intent.failure ? "It was not sent: prepare it again" : "I declined it: prepare it again"}
            </button>`}
      </sp-notice>
      ${this.progress === "under-way" ? nothing : html`<p class="hint soft small">${hintFor(this.intent.wallet)}</p>`}
      ${this.problem ? html`<sp-notice .problem=${this.problem}></sp-notice>` : nothing}`;
  }

  private words(): Problem {
    const { wallet, askedAt, failure } = this.intent;
    const asked = `On ${time(askedAt / 1000)} this site asked ${wallet} to sign this`;
    const kind = failure ? "rpc-failed" : "open-request";
    if (this.progress === "under-way") {
      const text = `${asked}, and the account has a transaction that waits for its block. It can be this one: the page goes on by itself when it is on the chain.`;
      return { kind, tone: "info", title: "A transaction of your account is under way", text };
    }
    const once = "Do not sign a second time meanwhile: the second transaction would fail and cost its fee.";
    if (failure) {
      const text = `${wallet} says: ${failure}. It may have sent the transaction all the same; look into its list of activity. The page goes on by itself if it is on the chain. ${once}`;
      return { kind, tone: "warning", title: "Your wallet could not do this", text };
    }
    const left = this.awaited ? "in another tab of this site, which waits for the answer" : "and the page was left before the answer came";
    const text = `${asked}, ${left}. Confirm or decline it there; the page notices by itself when it is on the chain. ${once}`;
    return { kind, tone: "warning", title: "Your wallet may still be asking", text };
  }

  private readonly soon = (): void => {
    this.pause = FIRST_MS;
    this.later(0);
  };

  private later(pause: number): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.look(), pause);
  }

  private async look(): Promise<Outcome["state"] | null> {
    const { intent } = this;
    try {
      this.awaited = await intents.isAwaited(intent);
      const outcome = await lookUp(intent, api, this.walletOnChain());
      this.problem = null;
      if (intent !== this.intent || !this.isConnected) return null;
      this.settle(outcome);
      return outcome.state;
    } catch (error) {
      this.problem = describe(error);
      return null;
    } finally {
      this.pause = Math.min(this.pause * GROWTH, LONGEST_MS);
      if (this.isConnected) this.later(this.pause);
    }
  }

  private settle(outcome: Outcome): void {
    switch (outcome.state) {
      case "found":
        intents.save({ ...this.intent, hash: outcome.transaction.hash });
        this.dispatchEvent(new CustomEvent<PendingTransaction>("found", { detail: outcome.transaction }));
        return;
      case "superseded":
        this.superseded += 1;
        this.pause = FIRST_MS;
        if (this.superseded >= LOOK_UPS) intents.remove(this.intent);
        return;
      default:
        this.progress = outcome.state;
    }
  }

  /** Believed only while neither the chain nor the account's transactions say otherwise. */
  private async declined(): Promise<void> {
    if ((await this.look()) === "asking") intents.remove(this.intent);
  }

  private walletOnChain(): Wallet | null {
    const { selected, chainId } = this.wallet.state;
    return selected && chainId === this.chain.id ? selected : null;
  }
}
