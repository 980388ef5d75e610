import { LitElement, css, html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { guard } from "lit/directives/guard.js";
import type { Config } from "../api/types";
import type { Answers, Magnification, Question } from "../api/upload";
import type { Originals } from "../dicom/identity-map";
import { bytes, percent, printable, storeName } from "../format";
import type { Slice } from "../imaging/slices";
import type { Flow } from "../state/flow";
import { MAGNIFICATIONS } from "../state/kind";
import { slideText } from "../state/slide";
import { disclosure } from "../styles/disclosure";
import { fields } from "../styles/forms";
import { shared } from "../styles/shared";
import "./sp-device-result";
import type { Layers } from "./sp-device-result";
import "./sp-notice";
import "./sp-public-data";
import "./sp-removed";
import "./sp-save-map";
import "./sp-slide-preview";
import "./sp-upload-question";
import { loadViewer } from "./viewer-loader";

const HEADINGS = { chosen: "Ready to upload", questioned: "Before it is pinned", uploading: "Uploading" };

/**
 * The chosen file before and while it is uploaded. Events: `start` (with Answers to what the server asks), `series` for
 * a file of several frames, `sealing`, `other`, `cancel`.
 */
@customElement("sp-chosen-file")
export class ChosenFile extends LitElement {
  static override styles = [
    shared,
    disclosure,
    fields,
    css`
      section {
        display: grid;
        grid-template-columns: minmax(10rem, 20rem) minmax(0, 1fr);
        gap: var(--space-5);
        align-items: start;
      }
      label {
        display: grid;
        gap: var(--space-1);
        justify-items: start;
      }
      .check {
        grid-template-columns: auto 1fr;
        gap: var(--space-2);
        align-items: center;
      }
      .check input {
        width: 1.125rem;
        height: 1.125rem;
        margin: 0;
        accent-color: var(--accent);
      }
      .name {
        font-weight: 600;
        overflow-wrap: anywhere;
      }
      @media (max-width: 36rem) {
        section {
          grid-template-columns: minmax(0, 1fr);
        }
        /* Picture and main button share the first screen. */
        sp-stack,
        sp-slide-preview {
          --stage-height: 10rem;
        }
      }
    `,
  ];

  @property({ attribute: false }) flow!: Extract<Flow, { file: File }>;
  @property({ attribute: false }) config!: Config;
  @query("h2") private heading!: HTMLElement | null;
  @state() private magnification: Magnification | null = null;
  /** Of the result on this device. */
  @state() private layers: Layers | null = null;
  @state() private corrected = false;
  private shownStep = "";

  protected override willUpdate(): void {
    if (!this.flow.levels) loadViewer();
  }

  protected override updated(): void {
    if (this.flow.step === this.shownStep) return;
    this.shownStep = this.flow.step;
    this.heading?.focus({ preventScroll: true });
  }

  protected override render() {
    const { file, levels, removed } = this.flow;
    const question = this.flow.step === "chosen" ? this.flow.question : undefined;
    const step = question ? "questioned" : this.flow.step;
    return html`<section class="panel">
      ${levels
        ? html`<sp-slide-preview .file=${file}></sp-slide-preview>`
        : html`<sp-stack .slices=${guard([file, question, this.layers], () => slicesOf(file, question, this.layers))}></sp-stack>`}
      <div class="stack">
        <h2 tabindex="-1">${HEADINGS[step]}</h2>
        <div>
          <p class="name">${printable(file.name)}</p>
          <p class="soft">${bytes(file.size)}${levels ? ` · ${slideText(levels)}` : nothing}</p>
        </div>
        ${removed ? html`<sp-removed .report=${removed} ?slide=${levels !== undefined}></sp-removed>` : nothing}
        ${this.flow.step === "chosen" ? this.ready(this.flow) : this.progress(this.flow.sent)}
      </div>
    </section>`;
  }

  private ready({ file, problem, question, sealed, originals }: Extract<Flow, { step: "chosen" }>) {
    if (question) {
      return html`<sp-upload-question
        .question=${question}
        .config=${this.config}
        ?maskable=${this.flow.maskable}
        @answer=${({ detail }: CustomEvent<Answers>) => this.dispatchEvent(new CustomEvent("start", { detail }))}
        @other=${() => this.emit("other")}
      ></sp-upload-question>`;
    }
    if (this.flow.series) return this.series();
    const { storage } = this.config;
    const start = (text: string) =>
      html`<button class="button primary" type="button" @click=${() => this.start()}>${text}</button>`;
    const hopeless = problem?.kind === "file-refused";
    return html`
      <p>
        The image will be pinned to ${storeName(storage)}${storage.public ? " and be public permanently" : ""}. Nothing in it
        may identify the patient.
      </p>
      ${problem ? html`<sp-notice .problem=${problem}>${hopeless ? nothing : start("Try again")}</sp-notice>` : nothing}
      ${hopeless || this.flow.levels ? nothing : this.magnifications()}
      <div class="actions">
        ${problem ? nothing : start("Pin and classify")}
        <button class=${hopeless ? "button primary" : "button"} type="button" @click=${() => this.emit("other")}>Choose another image</button>
      </div>
      ${hopeless || !originals ? nothing : this.map(originals)}
      ${hopeless || this.flow.levels
        ? nothing
        : html`<sp-device-result .file=${file} @layers=${({ detail }: CustomEvent<Layers>) => (this.layers = detail)}></sp-device-result>`}
      <sp-public-data
        .config=${this.config}
        ?sealed=${sealed}
        @sealing=${({ detail }: CustomEvent<boolean>) => this.dispatchEvent(new CustomEvent("sealing", { detail }))}
      ></sp-public-data>
    `;
  }

  private map(originals: Originals) {
    return html`<details>
      <summary>Save the map back to the original study first</summary>
      <sp-save-map .originals=${[originals]}></sp-save-map>
    </details>`;
  }

  private series() {
    return html`
      <p>This file has several frames. Each becomes a slice of one study; its identifiers are removed in this page first.</p>
      <div class="actions">
        <button class="button primary" type="button" @click=${() => this.emit("series")}>Go on as a study</button>
        <button class="button" type="button" @click=${() => this.emit("other")}>Choose another image</button>
      </div>
    `;
  }

  private progress(sent: number) {
    return html`
      <progress aria-label="Upload" max="1" .value=${sent}></progress>
      <p class="soft" role="status">${sent < 1 ? `${percent(sent)} of ${bytes(this.flow.file.size)} sent` : "Sent. Pinning and reading back …"}</p>
      <button class="button" type="button" @click=${() => this.emit("cancel")}>Cancel</button>
    `;
  }

  private magnifications() {
    return html`<label class="small">
      Magnification, of histology only
      <select
        name="magnification"
        @change=${({ target }: Event) =>
          (this.magnification = MAGNIFICATIONS.find((each) => String(each) === (target as HTMLSelectElement).value) ?? null)}
      >
        <option value="">Not known, or another kind of image</option>
        ${MAGNIFICATIONS.map((each) => html`<option value=${each} ?selected=${each === this.magnification}>${each}X</option>`)}
      </select>
    </label>
    ${this.magnification
      ? html`<label class="check small">
          <input
            type="checkbox"
            name="corrected"
            .checked=${this.corrected}
            @change=${({ target }: Event) => (this.corrected = (target as HTMLInputElement).checked)}
          />
          <span>It takes the place of what was said of this image before</span>
        </label>`
      : nothing}`;
  }

  private start(): void {
    const stated: Answers = this.magnification ? { magnification: this.magnification } : {};
    const detail: Answers = this.magnification && this.corrected ? { ...stated, magnificationCorrected: true } : stated;
    this.dispatchEvent(new CustomEvent("start", { detail }));
  }

  private emit(name: string): void {
    this.dispatchEvent(new CustomEvent(name));
  }
}

/** The file with the places of text that are asked about, in pixels of the picture, or else the layers of a result. */
function slicesOf(file: File, question: Question | undefined, layers: Layers | null): Slice[] {
  const alt = "Preview of the chosen file";
  if (!question) return [{ file, alt, ...layers }];
  const places = question.about === "text" ? question.boxes : [];
  const contours = places.map(({ x, y, width, height }): [number, number][] => [
    [x, y],
    [x + width, y],
    [x + width, y + height],
    [x, y + height],
  ]);
  return [{ file, alt, contours, textPlaces: true }];
}
