import { LitElement, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { api } from "../api/client";
import type { Classification, Config, ImageRecord } from "../api/types";
import type { PendingTransaction } from "../chain/transactions";
import { describe, type Problem } from "../state/problems";
import { read, remove, write } from "../storage";
import { shared } from "../styles/shared";
import "./sp-public-data";
import "./sp-notice";
import "./sp-result";
import "./sp-result-details";
import "./sp-signing";
import "./sp-transaction";
import "./sp-wallet";
import { WalletController } from "./wallet-controller";

/**
 * Lets the uploader of a registered image record its diagnosis later. Event `recorded` when it is on the chain. The
 * browser stores the transaction until then, so that the page continues after a reload.
 */
@customElement("sp-add-diagnosis")
export class AddDiagnosis extends LitElement {
  static override styles = shared;

  @property({ attribute: false }) record!: ImageRecord;
  @property({ attribute: false }) config!: Config;
  @state() private classification: Classification | null = null;
  @state() private classifying = false;
  @state() private sealed = false;
  @state() private problem: Problem | null = null;
  @state() private transaction: PendingTransaction | null = null;
  private readonly wallet = new WalletController(this);

  private get key(): string {
    return `scanproof.transaction.${this.record.imageId}`;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.transaction = read(this.key) as PendingTransaction | null;
  }

  protected override render() {
    if (this.transaction) {
      return html`<sp-transaction
        .transaction=${this.transaction}
        .chain=${this.config.chain}
        @progressed=${({ detail }: CustomEvent<PendingTransaction>) => this.keep(detail)}
        @recorded=${this.recorded}
        @sign-again=${() => this.keep(null)}
      ></sp-transaction>`;
    }
    const { account } = this.wallet.state;
    const { uploader, cid } = this.record;
    if (!account) {
      return html`<div class="stack">
        <p>The account that registered the image can record a diagnosis: <code>${uploader}</code></p>
        <sp-wallet purpose="diagnosis" .chain=${this.config.chain}></sp-wallet>
      </div>`;
    }
    if (account !== uploader) return html`<sp-notice .problem=${notUploader(uploader, account)}></sp-notice>`;
    if (this.classification) {
      return html`<div class="stack">
        <sp-result .classification=${this.classification}></sp-result>
        <sp-signing
          fixed="diagnosis"
          .config=${this.config}
          .cid=${cid}
          .classification=${this.classification}
          @sealing=${this.sealingChosen}
          @submitted=${({ detail }: CustomEvent<PendingTransaction>) => this.keep(detail)}
        ></sp-signing>
        <sp-result-details .classification=${this.classification}></sp-result-details>
      </div>`;
    }
    const button = (text: string) =>
      html`<button class="button primary" type="button" @click=${() => void this.classify()}>${text}</button>`;
    return html`<div class="stack">
      <p>Your account registered this image, so you can have it classified and record the result.</p>
      <sp-public-data
        scope="diagnosis"
        .config=${this.config}
        ?sealed=${this.sealed}
        ?disabled=${this.classifying}
        @sealing=${this.sealingChosen}
      ></sp-public-data>
      ${this.problem ? html`<sp-notice .problem=${this.problem}>${button("Try again")}</sp-notice>` : nothing}
      ${this.classifying
        ? html`<p class="busy" role="status"><span class="spinner"></span>Classifying …</p>`
        : this.problem
          ? nothing
          : button("Classify the image")}
    </div>`;
  }

  private async classify(): Promise<void> {
    this.classifying = true;
    this.problem = null;
    try {
      this.classification = await api.classify(this.record.cid, null, this.sealed);
    } catch (error) {
      this.problem = describe(error);
    }
    this.classifying = false;
  }

  /** An existing result is replaced. */
  private sealingChosen({ detail }: CustomEvent<boolean>): void {
    this.sealed = detail;
    if (!this.classification) return;
    this.classification = null;
    void this.classify();
  }

  private keep(transaction: PendingTransaction | null): void {
    this.transaction = transaction;
    if (transaction) write(this.key, transaction);
    else remove(this.key);
  }

  private recorded(): void {
    remove(this.key);
    this.dispatchEvent(new CustomEvent("recorded"));
  }
}

function notUploader(uploader: string, account: string): Problem {
  return {
    kind: "not-uploader",
    tone: "info",
    title: "Only the uploader can record a diagnosis",
    text: `Your wallet uses ${account}; the image was registered by ${uploader}. Choose that account in your wallet.`,
  };
}
