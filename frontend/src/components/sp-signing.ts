import { LitElement, css, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Classification, Config, Hex, ImageRecord } from "../api/types";
import type { Intent } from "../chain/intents";
import type { Scope } from "../chain/registry";
import type { PendingTransaction } from "../chain/transaction-state";
import type { Cost, Plan } from "../chain/transactions";
import { recoverFocus } from "../accessibility";
import { amount, short } from "../format";
import type { Problem } from "../state/problems";
import { isBusy, type Signing } from "../state/signing";
import { disclosure } from "../styles/disclosure";
import { choices } from "../styles/forms";
import { shared } from "../styles/shared";
import { IntentController } from "./intent-controller";
import { SigningController } from "./signing-controller";
import "./sp-open-request";
import "./sp-public-data";
import "./sp-save-opening";
import "./sp-notice";
import { recordDetails } from "./record-details";
import "./sp-transaction-preview";
import "./sp-wallet";
import "./sp-wallet-wait";
import { WalletController } from "./wallet-controller";

/** On a narrow screen the image comes before the details. */
const WIDE = window.matchMedia("(min-width: 52rem)");

/**
 * From the wallet to a submitted transaction. Events: `sealing` when the result is to be sealed or made public instead,
 * `waiting` with whether the wallet's window is open, `submitted` with a PendingTransaction.
 */
@customElement("sp-signing")
export class SigningPanel extends LitElement {
  static override styles = [
    shared,
    choices,
    disclosure,
    css`
      /* As high while the transaction is prepared as it is then: what is below must not move under the pointer. */
      .body {
        min-height: 8rem;
      }
      summary {
        margin-bottom: var(--space-4);
        font-weight: 650;
      }
    `,
  ];

  @property({ attribute: false }) config!: Config;
  @property() cid = "";
  @property({ attribute: false }) classification: Classification | null = null;
  /** Fixed to `diagnosis` where the image is registered already; else the person chooses. */
  @property() fixed: Scope | null = null;
  /** The image is a study: it and its result are recorded together, and in public. */
  @property({ type: Boolean }) study = false;
  /** What the person chose; null until then. */
  @state() private chosen: Scope | null = null;
  /** The account that has registered the image before and wants to add the diagnosis. */
  @state() private registrant: Hex | null = null;
  /** The sealed result whose opening the person has saved. */
  @state() private saved: Hex | null = null;
  private readonly wallet = new WalletController(this);
  private readonly intents = new IntentController(this);
  private readonly signing = new SigningController(this);
  private wasWaiting = false;

  /** Requests to record this image whose answers this tab does not wait for, as they are stored at this update. */
  private openRequests: Intent[] = [];

  /** The same account signs nothing else for the image meanwhile. */
  private get blocked(): boolean {
    const { account } = this.wallet.state;
    return this.openRequests.some(({ from }) => !account || from === account);
  }

  private get scope(): Scope {
    if (this.fixed) return this.fixed;
    if (this.study) return "both";
    if (!this.classification) return "image";
    if (this.registrant && this.registrant === this.wallet.state.account) return "diagnosis";
    // An abstention is recorded by choice only.
    return this.chosen ?? (this.classification.abstained ? "image" : "both");
  }

  private get toBeSaved(): Classification | null {
    return this.scope !== "image" && this.classification?.sealed ? this.classification : null;
  }

  protected override willUpdate(): void {
    const { selected, account, chainId } = this.wallet.state;
    const { config, cid, classification, scope } = this;
    this.openRequests = isBusy(this.signing.state) ? [] : this.intents.ofImage(cid, config.chain);
    const ready = selected && account && chainId === config.chain.id && !this.blocked;
    this.signing.follow(ready ? { wallet: selected, account, chain: config.chain, cid, classification, scope } : null);
  }

  protected override updated(): void {
    recoverFocus(this.renderRoot);
    const waiting = isBusy(this.signing.state);
    if (waiting === this.wasWaiting) return;
    this.wasWaiting = waiting;
    this.dispatchEvent(new CustomEvent("waiting", { detail: waiting }));
  }

  protected override render() {
    return html`<div class="stack">
      <sp-wallet purpose=${this.fixed ? "diagnosis" : "image"} .chain=${this.config.chain}></sp-wallet>
      ${this.toBeSaved && !this.blocked ? this.opening(this.toBeSaved) : nothing}
      ${this.openRequests.map((intent) => this.open(intent))}
      <div class="stack ${this.signing.state.phase === "idle" ? "" : "body"}">${this.body()}</div>
      <details ?open=${WIDE.matches}>
        <summary>What is written and what becomes public</summary>
        <div class="stack">
          ${this.fixed || this.study || !this.classification || this.scope === "diagnosis" || this.blocked ? nothing : this.choices()}
          <sp-public-data
            ?classified=${this.classification !== null}
            .config=${this.config}
            .scope=${this.scope}
            ?sealed=${this.classification?.sealed}
            ?study=${this.study}
            ?disabled=${this.blocked || isBusy(this.signing.state)}
            @sealing=${({ detail }: CustomEvent<boolean>) => this.dispatchEvent(new CustomEvent("sealing", { detail }))}
          ></sp-public-data>
          ${this.preview()}
        </div>
      </details>
    </div>`;
  }

  private open(intent: Intent) {
    return html`<sp-open-request
      .intent=${intent}
      .chain=${this.config.chain}
      @found=${({ detail }: CustomEvent<PendingTransaction>) => this.submitted(detail)}
    ></sp-open-request>`;
  }

  private body() {
    const { state } = this.signing;
    switch (state.phase) {
      case "idle":
        return nothing;
      case "preparing":
        return html`<p class="busy soft" role="status"><span class="spinner"></span>Preparing the transaction …</p>`;
      case "stopped":
        return html`<sp-notice tabindex="-1" data-focus .problem=${state.problem}>
          <button class="button" type="button" @click=${() => void this.signing.prepare()}>
            ${state.problem.kind === "no-funds" ? "Check again" : "Try again"}
          </button>
        </sp-notice>`;
      case "registered":
        return this.registered(state.plan, state.record);
      case "ready":
      case "checking":
      case "waiting":
        return html`${this.summary(state.cost, state.plan)} ${this.action(state)}`;
    }
  }

  /** What the button does, and what the wallet shows then; the preview below has every field. */
  private summary({ fee }: Cost, { functionName, data, contract }: Plan) {
    const { name, currency } = this.config.chain;
    const { abstained, labelText, sealed } = this.classification ?? {};
    const result = sealed ? "the sealed result" : abstained ? "that the model gave no answer" : `the result “${labelText}”`;
    const what = { image: "the image", diagnosis: result, both: `the ${this.study ? "study" : "image"} and ${result}` }[this.scope];
    return html`<p class="small" data-testid="signing-summary">
      Writes ${what} to ${name}, public and permanent. Fee about ${amount(fee, currency)}.
      ${this.walletName} will show <code>${functionName}</code> or <code>${data.slice(0, 10)}</code>, and the registry
      <code title=${contract}>${short(contract, 4)}</code>.
    </p>`;
  }

  private preview() {
    const { state } = this.signing;
    if (this.blocked || !("cost" in state)) return nothing;
    return html`<sp-transaction-preview
      .plan=${state.plan}
      .cost=${state.cost}
      .chain=${this.config.chain}
      .wallet=${this.walletName}
      .details=${recordDetails(state.plan, this.classification)}
    ></sp-transaction-preview>`;
  }

  private choices() {
    const result = this.classification?.abstained ? "the fact that the model gave no answer" : "the result of the model";
    const choices: [scope: Scope, name: string, text: string][] = [
      ["both", "Image and diagnosis, one signature", `The image and ${result}, in one transaction.`],
      ["image", "Image only", "Proves that you had this image now. You can record a diagnosis later."],
    ];
    return html`<fieldset role="radiogroup" aria-labelledby="legend">
      <legend id="legend">What to record</legend>
      <div class="choices">
        ${choices.map(
          ([scope, name, text]) => html`<label class="choice">
            <input
              type="radio"
              name="scope"
              .checked=${scope === this.scope}
              ?disabled=${isBusy(this.signing.state)}
              aria-label=${name}
              aria-describedby="about-${scope}"
              @change=${() => (this.chosen = scope)}
            />
            <span>${name}</span>
            <span class="soft small" id="about-${scope}">${text}</span>
          </label>`,
        )}
      </div>
    </fieldset>`;
  }

  private opening(classification: Classification) {
    return html`<sp-save-opening
      .classification=${classification}
      ?saved=${this.saved === classification.manifestHash}
      @saved=${() => (this.saved = classification.manifestHash)}
    ></sp-save-opening>`;
  }

  private sign(problem: Problem | null) {
    const name = this.scope === "image" ? "Sign and register" : "Sign and record";
    if (this.toBeSaved && this.toBeSaved.manifestHash !== this.saved) {
      return html`<p class="soft" data-testid="save-first">Save the opening above, then sign here.</p>`;
    }
    const button = (text: string) =>
      html`<button class="button primary" type="button" @click=${this.signed}>${text}</button>`;
    if (problem) return html`<sp-notice tabindex="-1" data-focus .problem=${problem}>${button("Try again")}</sp-notice>`;
    return html`<div class="actions" tabindex="-1" data-focus>${button(name)}</div>`;
  }

  private get walletName(): string {
    return this.wallet.state.selected?.name ?? "your wallet";
  }

  private action(state: Extract<Signing, { cost: Cost }>) {
    if (state.phase === "ready") return this.sign(state.problem);
    if (state.phase === "checking") return CHECKING;
    return html`<sp-wallet-wait
      class="panel"
      tabindex="-1"
      data-focus
      data-testid="signing-waiting"
      .wallet=${this.walletName}
      what="compare what it shows with the preview below, then confirm or decline"
    ></sp-wallet-wait>`;
  }

  private registered({ imageId, from }: Plan, record: ImageRecord | null) {
    const { manifestHash } = this.classification ?? {};
    const recorded = record?.diagnoses.some((diagnosis) => diagnosis.manifestHash === manifestHash);
    const problem: Problem = {
      kind: "already-registered",
      tone: "info",
      title: "You have registered this image before",
      text: recorded ? "This result is recorded with it as well." : "You do not need to register it again.",
    };
    return html`<sp-notice tabindex="-1" data-focus .problem=${problem}>
      ${manifestHash && !recorded
        ? html`<button class="button primary" type="button" @click=${() => (this.registrant = from)}>
            Record the diagnosis only
          </button>`
        : nothing}
      <a class="button" href="/records/${imageId}">See the record</a>
    </sp-notice>`;
  }

  private async signed(): Promise<void> {
    const transaction = await this.signing.sign();
    if (transaction) this.submitted(transaction);
  }

  private submitted(detail: PendingTransaction): void {
    this.dispatchEvent(new CustomEvent("submitted", { detail }));
  }
}

const CHECKING = html`<p class="busy soft" role="status" tabindex="-1" data-focus>
  <span class="spinner"></span>Checking that it still can be recorded …
</p>`;
