import { LitElement, css, html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { Config, LeftOut, PinRequest, Study } from "../api/types";
import type { PendingTransaction } from "../chain/transaction-state";
import "../components/sp-notice";
import "../components/sp-save-map";
import "../components/sp-signing";
import "../components/sp-steps";
import "../components/sp-study-slices";
import "../components/sp-study-summary";
import "../components/sp-transaction";
import { printable, storeName } from "../format";
import type { Problem } from "../state/problems";
import { classificationOf, studyStepNumber, type StudyFlow, type Working } from "../state/study";
import type { Patient } from "../state/study-files";
import { disclosure } from "../styles/disclosure";
import { shared } from "../styles/shared";
import { homeStyles } from "./home-styles";
import type { StudyController } from "./study-controller";

const DOING: Record<Working, [title: string, text: string]> = {
  reading: ["Reading the files", "Read"],
  sending: ["Sending the files", "Sent"],
  classifying: ["Classifying", "Classified"],
  pinning: ["Looking for text, then pinning", "Done"],
};

/** As `prepareSlices` names the files that it sends. */
const SENT_NAME = /slice-\d{4,}\.[a-z]+|2\.25\.\d+\.dcm/;

/** The way of a study from its files to a record. Event `other` when the person wants to begin anew. */
@customElement("sp-study-flow")
export class StudyFlowPage extends LitElement {
  static override styles = [
    shared,
    homeStyles,
    disclosure,
    css`
      .patients {
        display: grid;
        gap: var(--space-5);
        margin-bottom: var(--space-5);
        padding: 0;
        list-style: none;
        overflow-wrap: anywhere;
      }
      .left-out {
        display: grid;
        gap: var(--space-1);
        max-height: 16rem;
        overflow: auto;
        overflow-wrap: anywhere;
      }
    `,
  ];

  @property({ attribute: false }) config!: Config;
  @property({ attribute: false }) control!: StudyController;
  /** A new object at each change, so that Lit sees it. */
  @property({ attribute: false }) flow!: StudyFlow;
  /** Whether the person is asked once more before slices with text are kept. */
  @state() private keeping = false;
  /** Whether the map of the chosen files was saved. */
  @state() private mapSaved = false;
  /** Whether the wallet's window is open. */
  @state() private waiting = false;
  @query("h2") private readonly heading!: HTMLElement | null;
  private shownStep = "";

  protected override updated(): void {
    const { step } = this.flow;
    if (step === this.shownStep) return;
    this.shownStep = step;
    this.mapSaved = false;
    this.heading?.focus({ preventScroll: false });
  }

  protected override render() {
    const { flow } = this;
    return html`<div class="page">
      <sp-steps .current=${studyStepNumber(flow)}></sp-steps>
      ${"total" in flow ? this.working(flow) : nothing} ${flow.step === "patients" ? this.patients(flow.patients) : nothing}
      ${flow.step === "originals" ? this.originals() : nothing} ${flow.step === "lacking" ? this.lacking(flow.study) : nothing}
      ${"transaction" in flow ? this.transaction(flow) : nothing}
      ${flow.study?.result ? this.preview(flow.study) : nothing}
    </div>`;
  }

  private working({ step, done, total, problem }: Extract<StudyFlow, { total: number }>) {
    const [title, verb] = DOING[step];
    return html`<section class="panel stack" data-testid="study-working" data-step=${step}>
      <h2 tabindex="-1">${title}</h2>
      <progress aria-label=${title} max=${Math.max(total, 1)} value="0" .value=${done}></progress>
      <p class="soft">${verb} ${done} of ${total}</p>
      ${problem
        ? html`<sp-notice .problem=${problem}>
            ${this.answer(problem)}
          </sp-notice>`
        : nothing}
      ${step === "pinning"
        ? html`<p class="soft small">Every image goes to ${storeName(this.config.storage)}. Then you can sign.</p>`
        : nothing}
      <div class="actions">${this.other(problem?.slices ? "Stop" : "Cancel")}</div>
    </section>`;
  }

  private answer({ type = "" }: Problem) {
    const kind = type.split(":").at(-1);
    const button = (text: string, go: () => unknown, primary = false) =>
      html`<button class="button ${primary ? "primary" : ""}" type="button" @click=${() => void go()}>${text}</button>`;
    const confirm = (answer: PinRequest) => () => {
      this.keeping = false;
      return this.control.confirm(answer);
    };
    if (kind === "text-in-slices" && this.keeping) {
      return html`<p class="small">Have you looked at every one of these slices, below?</p>
        ${button("Yes, they identify nobody", confirm({ text: "keep" }))} ${button("No", () => (this.keeping = false), true)}`;
    }
    if (kind === "text-in-slices") {
      return html`${button("Leave these slices out", confirm({ text: "leave-out" }), true)}
      ${button("Keep these slices", () => (this.keeping = true))}`;
    }
    if (kind === "unrecognised-slices") return button("Pin all the same", confirm({ pinAnyway: true }), true);
    return button("Go on", () => this.control.goOn(), true);
  }

  private patients(patients: Patient[]) {
    const images = (count: number) => `${count} ${count === 1 ? "image" : "images"}`;
    return html`<section class="panel stack" data-testid="patients">
      <h2 tabindex="-1">These files are of ${patients.length} patients</h2>
      <p>A study is of one patient. Nothing has left this page. Choose whose images to go on with; the others stay here.</p>
      <ol class="patients">
        ${patients.map(
          ({ pseudonym, images: count, series, example }, place) => html`<li class="stack">
            <h3>Patient ${place + 1}: ${images(count)}</h3>
            <p class="soft small">
              ${series.map(({ description, images: own }) => `${description || "Series without a description"} (${images(own)})`).join(", ")}<br />
              First file: ${printable(example)}
            </p>
            <button class="button" type="button" @click=${() => void this.control.choosePatient(pseudonym)}>
              Go on with patient ${place + 1}
            </button>
          </li>`,
        )}
      </ol>
      <div class="actions">${this.other("Stop")}</div>
    </section>`;
  }

  private originals() {
    return html`<section class="panel stack" data-testid="originals">
      <h2 tabindex="-1">Before the files are sent</h2>
      <p>Their identifiers are removed. Nothing has left this page.</p>
      <sp-save-map .originals=${this.control.originals} @saved=${() => (this.mapSaved = true)}></sp-save-map>
      <div class="actions">
        <button class="button ${this.mapSaved ? "primary" : ""}" type="button" @click=${() => void this.control.goOn()}>
          ${this.mapSaved ? "Send the files" : "Go on without a map"}
        </button>
        ${this.other("Cancel")}
      </div>
    </section>`;
  }

  private lacking(study: Study) {
    const received = study.files - study.missing.length;
    return html`<section class="panel stack">
      <h2 tabindex="-1">A study is unfinished</h2>
      <p>${received} of ${study.files} files were received. Choose the same files again, and only the others are sent.</p>
      <slot></slot>
      <div class="actions">${this.other("Remove this study")}</div>
    </section>`;
  }

  private preview(study: Study) {
    const { result } = study;
    const { step } = this.flow;
    if (!result) return nothing;
    const unsigned = step === "preview" || step === "signing";
    return html`<section class="panel columns">
        <div class="stack">
          <h2 class="eyebrow" tabindex="-1">Result</h2>
          <sp-study-summary .result=${result}></sp-study-summary>
          ${this.leftOut([...study.leftOut.map(this.named), ...this.control.unsent])}
        </div>
        <div class="stack">
          ${step === "preview" ? this.toSigning() : nothing} ${step === "signing" ? this.signing(study) : nothing}
          ${unsigned ? html`<div class="actions">${this.other("Start again with another study")}</div>` : nothing}
        </div>
      </section>
      <section class="panel stack">
        <h2>Slices</h2>
        <sp-study-slices
          .result=${result}
          .names=${this.control.names}
          .asked=${"problem" in this.flow ? (this.flow.problem?.slices ?? []) : []}
          study-id=${study.studyId}
        ></sp-study-slices>
      </section>`;
  }

  /** With the names that the person knows; the server knows others. */
  private readonly named = ({ name, reason }: LeftOut): LeftOut => {
    const { names } = this.control;
    return { name: names.get(name) ?? name, reason: reason.replace(SENT_NAME, (sent) => names.get(sent) ?? sent) };
  };

  private leftOut(files: LeftOut[]) {
    if (files.length === 0) return nothing;
    return html`<details data-testid="left-out">
      <summary>${files.length === 1 ? "1 file was" : `${files.length} files were`} left out</summary>
      <ul class="left-out small">
        ${files.map(({ name, reason }) => html`<li><strong>${printable(name)}</strong>: ${printable(reason)}</li>`)}
      </ul>
    </details>`;
  }

  private toSigning() {
    const { storage } = this.config;
    return html`<h2 class="eyebrow">Sign the record</h2>
      <p>
        Nothing is pinned yet. If you go on, all images and results are pinned to
        ${storeName(storage)}${storage.public ? " and are public permanently" : ""}. Then one signature records the study.
      </p>
      <div class="actions">
        <button class="button primary" type="button" @click=${() => void this.control.goOn()}>Pin and go on to sign</button>
      </div>`;
  }

  private signing({ result }: Study) {
    if (!result) return nothing;
    return html`<h2 class="eyebrow">Sign the record</h2>
      <sp-signing
        study
        .config=${this.config}
        .cid=${result.cid}
        .classification=${classificationOf(result)}
        @waiting=${({ detail }: CustomEvent<boolean>) => (this.waiting = detail)}
        @submitted=${({ detail }: CustomEvent<PendingTransaction>) => {
          this.waiting = false;
          this.control.submitted(detail);
        }}
      ></sp-signing>`;
  }

  private transaction({ step, transaction }: Extract<StudyFlow, { transaction: PendingTransaction }>) {
    const recorded = step === "recorded";
    return html`<section class="panel stack ${recorded ? "recorded" : ""}">
      <h2 tabindex="-1">${recorded ? "Recorded" : "Transaction"}</h2>
      ${recorded
        ? html`<p>The study is on ${this.config.chain.name}. Anybody can verify it now.</p>
            <div class="actions">
              <a class="button primary" href="/studies/${transaction.imageId}">Open the study</a>
              ${this.other("Record another study")}
            </div>`
        : nothing}
      <sp-transaction
        .transaction=${transaction}
        .chain=${this.config.chain}
        @progressed=${({ detail }: CustomEvent<PendingTransaction>) =>
          this.control.reduce({ type: "nonce-known", nonce: detail.nonce })}
        @recorded=${() => this.control.reduce({ type: "recorded" })}
        @sign-again=${() => this.control.reduce({ type: "sign-again" })}
      ></sp-transaction>
    </section>`;
  }

  private other(text: string) {
    const tell = () => this.dispatchEvent(new CustomEvent("other"));
    return html`<button class="button" type="button" ?disabled=${this.waiting} @click=${tell}>${text}</button>`;
  }
}
