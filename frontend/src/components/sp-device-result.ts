import { LitElement, css, html, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { announce, recoverFocus } from "../accessibility";
import { api } from "../api/client";
import { bytes, whole } from "../format";
import type { Progress } from "../inference/bundle";
import { device } from "../inference/device";
import type { DeviceAnswer } from "../inference/inference-messages";
import type { Contours, DeviceOutline } from "../inference/outline";
import { describe, warning, type Problem } from "../state/problems";
import { disclosure } from "../styles/disclosure";
import { shared } from "../styles/shared";
import { icons } from "./icons";
import "./sp-notice";
import "./sp-probabilities";
import "./sp-result";

type Work =
  | { step: "idle"; problem: Problem | null }
  | { step: "working"; progress: Progress | null }
  | { step: "done"; answer: DeviceAnswer; words: Record<string, string>; outline: DeviceOutline | null };

/** What the viewer lays over the image: the activation map as a data: URI, and contours. */
export interface Layers {
  overlay: string | null;
  contours: Contours;
}

/** The label of an image without a tumour, on which none is outlined. */
const FREE_OF_TUMOUR = "notumor";

const STOPPED = "Stopped.";

/**
 * Classifies the chosen file in this browser, before anything is uploaded. Event `layers`: what the viewer lays over
 * the image.
 */
@customElement("sp-device-result")
export class DeviceResult extends LitElement {
  static override styles = [
    shared,
    disclosure,
    css`
      .stack > * + * {
        margin-top: var(--space-3);
      }
      section {
        padding-block: var(--space-4);
        border-block: 1px solid var(--line);
      }
      progress {
        width: 100%;
        accent-color: var(--accent);
      }
      .notice {
        display: flex;
        gap: var(--space-2);
        padding: var(--space-2) var(--space-3);
        border: 1px solid var(--line-strong);
        border-radius: var(--radius-small);
        background: var(--sunken);
      }
    `,
  ];

  @property({ attribute: false }) file!: File;
  @state() private work: Work = { step: "idle", problem: null };

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("file") && changed.get("file")) this.work = { step: "idle", problem: null };
  }

  /** The button that had the focus is gone after each step. */
  protected override updated(changed: PropertyValues): void {
    if (changed.has("work") && changed.get("work")) recoverFocus(this.renderRoot);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    if (this.work.step === "working") device.stop(STOPPED);
  }

  protected override render() {
    return html`<section class="stack" aria-labelledby="title">
      <h3 id="title" tabindex="-1" data-focus>On this device</h3>
      ${this.content()}
    </section>`;
  }

  private content() {
    const { work } = this;
    switch (work.step) {
      case "idle":
        return this.offer(work.problem);
      case "working":
        return this.waiting(work.progress);
      case "done":
        return this.result(work);
    }
  }

  private offer(problem: Problem | null) {
    const start = html`<button class="button" type="button" @click=${() => void this.classify()}>
      ${problem ? "Try again on this device" : "Classify on this device"}
    </button>`;
    return html`<p class="soft small">
        The same models run in this browser: the image does not leave this device, and the result is not attested. The first
        time, about 7 MB of program and model are loaded.
      </p>
      ${problem ? html`<sp-notice level="4" .problem=${problem}>${start}</sp-notice>` : start}`;
  }

  private waiting(progress: Progress | null) {
    const known = progress !== null && progress.total > 0;
    const loaded = known && progress.received >= progress.total;
    return html`<progress aria-label="Classifying on this device" max="1" value=${known && !loaded ? progress.received / progress.total : nothing}></progress>
      <p class="soft small" data-testid="device-progress">
        ${progress && !loaded
          ? `Loading ${progress.what}: ${bytes(progress.received)}${known ? ` of ${bytes(progress.total)}` : ""}`
          : "Classifying on this device …"}
      </p>
      <button class="button" type="button" @click=${() => device.stop(STOPPED)}>Stop</button>`;
  }

  private result({ answer, words, outline }: Extract<Work, { step: "done" }>) {
    const { abstained, label, probabilities, model } = answer;
    return html`<p class="notice small" data-testid="device-notice">
        ${icons.info}<span>
          <strong>Not attested.</strong> This browser computed the result with ${model.name} ${model.version}; the image was
          not uploaded. To record a result that others can verify, pin and classify the image.
        </span>
      </p>
      <sp-result .classification=${{ ...answer, weak: model.weak, sealed: false }}></sp-result>
      ${outline
        ? html`<p class="small" data-testid="device-outline">
            ${outline.contours.length > 0
              ? html`Outlined: <strong>${whole(outline.pixels)} pixels</strong> of this slice.`
              : "Nothing is outlined: the model that outlines tumours finds none on this slice."}
          </p>`
        : nothing}
      <details>
        <summary>${abstained ? "What the network computed before it declined" : "Probabilities"}</summary>
        <sp-probabilities .values=${probabilities} .words=${words} .top=${abstained ? null : label}></sp-probabilities>
      </details>`;
  }

  private async classify(): Promise<void> {
    const { file } = this;
    this.work = { step: "working", progress: null };
    announce("Classifying on this device.");
    try {
      const models = await api.models();
      const offered = models.map(({ name, version, sha256, modality, kind, weak, default: first }) => ({ name, version, sha256, modality, kind, weak, default: first }));
      const answer = await device.classify(file, offered, (progress) => this.progressed(file, progress));
      if (file !== this.file) return;
      const classes = models.find(({ sha256 }) => sha256 === answer.model.sha256)?.classes ?? [];
      const done = { step: "done", answer, words: Object.fromEntries(classes.map(({ label, text }) => [label, text])), outline: null } as const;
      this.work = done;
      announce(`Result on this device: ${answer.labelText}. Not attested.`);
      const layers: Layers = { overlay: answer.overlay && addressOf(answer.overlay), contours: [] };
      this.show(layers);
      if (answer.abstained || answer.label === FREE_OF_TUMOUR) return;
      // The outline is optional: without it, the result is still complete.
      const outline = await device.outline(file, offered, answer.model.modality, () => undefined).catch(() => null);
      if (!outline || file !== this.file) return;
      this.work = { ...done, outline };
      this.show({ ...layers, contours: outline.contours });
    } catch (error) {
      if (file === this.file) this.work = { step: "idle", problem: problemOf(error) };
    }
  }

  private show(detail: Layers): void {
    this.dispatchEvent(new CustomEvent("layers", { detail }));
  }

  private progressed(file: File, progress: Progress): void {
    if (file === this.file && this.work.step === "working") this.work = { step: "working", progress };
  }
}

function problemOf(error: unknown): Problem | null {
  if (!(error instanceof Error) || error.constructor !== Error) return describe(error);
  return error.message === STOPPED ? null : warning("not-on-device", "Not classified on this device", error.message);
}

/** The page's policy lets an image come from data: URIs. */
function addressOf(overlay: ImageData): string {
  const canvas = document.createElement("canvas");
  canvas.width = overlay.width;
  canvas.height = overlay.height;
  canvas.getContext("2d")?.putImageData(overlay, 0, 0);
  return canvas.toDataURL();
}
