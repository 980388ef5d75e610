import { LitElement, css, html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { Config } from "../api/types";
import type { Answers } from "../api/upload";
import { bytes, percent, printable, storeName } from "../format";
import type { Slice } from "../imaging/slices";
import type { Flow } from "../state/flow";
import { shared } from "../styles/shared";
import "./sp-notice";
import "./sp-public-data";
import "./sp-removed";
import "./sp-upload-question";
import { loadViewer } from "./viewer-loader";

const NO_SIZE = { width: 1, height: 1 };

/**
 * The chosen file before and while it is uploaded. Events: `start` (with Answers to the server's question, if it asked),
 * `sealing`, `other`, `cancel`.
 */
@customElement("sp-chosen-file")
export class ChosenFile extends LitElement {
  static override styles = [
    shared,
    css`
      section {
        display: grid;
        grid-template-columns: minmax(10rem, 20rem) minmax(0, 1fr);
        gap: var(--space-5);
        align-items: start;
      }
      .name {
        font-weight: 600;
        overflow-wrap: anywhere;
      }
      @media (max-width: 36rem) {
        section {
          grid-template-columns: minmax(0, 1fr);
        }
        .stack {
          order: -1;
        }
      }
    `,
  ];

  @property({ attribute: false }) flow!: Extract<Flow, { file: File }>;
  @property({ attribute: false }) config!: Config;
  @state() private size = NO_SIZE;
  private slices: Slice[] = [];
  @query("h2") private heading!: HTMLElement | null;
  private shownStep = "";

  protected override willUpdate(): void {
    const { file } = this.flow;
    const [shown] = this.slices;
    if (shown?.file !== file) {
      this.size = NO_SIZE;
      void this.measure(file);
    }
    const contours = this.contours();
    // Other slices are loaded anew.
    if (shown?.file === file && shown.contours?.length === contours.length) return;
    this.slices = [{ file, alt: "Preview of the chosen file", contours, size: this.size }];
  }

  /** The places of text are in pixels of the picture. Where the browser cannot decode it, they are not drawn. */
  private async measure(file: File): Promise<void> {
    try {
      const { width, height } = await createImageBitmap(file);
      if (file === this.flow.file) this.size = { width, height };
    } catch {
      // The question says it in words.
    }
  }

  private contours(): [number, number][][] {
    const question = this.flow.step === "chosen" ? this.flow.question : undefined;
    if (question?.about !== "text" || this.size === NO_SIZE) return [];
    return question.boxes.map(({ x, y, width, height }) => [
      [x, y],
      [x + width, y],
      [x + width, y + height],
      [x, y + height],
    ]);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    loadViewer();
  }

  protected override updated(): void {
    if (this.flow.step === this.shownStep) return;
    this.shownStep = this.flow.step;
    this.heading?.focus({ preventScroll: true });
  }

  protected override render() {
    const { file, step } = this.flow;
    return html`<section class="panel">
      <sp-stack .slices=${this.slices}></sp-stack>
      <div class="stack">
        <h2 tabindex="-1">${step === "chosen" ? "Ready to upload" : "Uploading"}</h2>
        <div>
          <p class="name">${printable(file.name)}</p>
          <p class="soft">${bytes(file.size)}</p>
        </div>
        ${this.flow.removed ? html`<sp-removed .report=${this.flow.removed}></sp-removed>` : nothing}
        ${this.flow.step === "chosen" ? this.ready(this.flow) : this.progress(this.flow.sent)}
      </div>
    </section>`;
  }

  private ready({ problem, question, sealed }: Extract<Flow, { step: "chosen" }>) {
    if (question) {
      return html`<sp-upload-question
        .question=${question}
        .config=${this.config}
        ?maskable=${this.flow.removed === null}
        @answer=${({ detail }: CustomEvent<Answers>) => this.dispatchEvent(new CustomEvent("start", { detail }))}
        @other=${() => this.emit("other")}
      ></sp-upload-question>`;
    }
    const { storage } = this.config;
    const start = (text: string) =>
      html`<button class="button primary" type="button" @click=${() => this.emit("start")}>${text}</button>`;
    const hopeless = problem?.kind === "file-refused";
    return html`
      <p>
        The image will be pinned to ${storeName(storage)}${storage.public ? " and be public permanently" : ""}. Nothing in it
        may identify the patient.
      </p>
      ${problem ? html`<sp-notice .problem=${problem}>${hopeless ? nothing : start("Try again")}</sp-notice>` : nothing}
      <div class="actions">
        ${problem ? nothing : start("Pin and classify")}
        <button class=${hopeless ? "button primary" : "button"} type="button" @click=${() => this.emit("other")}>Choose another image</button>
      </div>
      <sp-public-data
        .config=${this.config}
        ?sealed=${sealed}
        @sealing=${({ detail }: CustomEvent<boolean>) => this.dispatchEvent(new CustomEvent("sealing", { detail }))}
      ></sp-public-data>
    `;
  }

  private progress(sent: number) {
    return html`
      <progress aria-label="Upload" max="1" .value=${sent}></progress>
      <p class="soft" role="status">${sent < 1 ? `${percent(sent)} sent` : "Sent. Pinning and reading back …"}</p>
      <button class="button" type="button" @click=${() => this.emit("cancel")}>Cancel</button>
    `;
  }

  private emit(name: string): void {
    this.dispatchEvent(new CustomEvent(name));
  }
}
