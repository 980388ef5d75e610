import { LitElement, html, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { api } from "../api/client";
import type { Classification, Config, Image, Outline } from "../api/types";
import type { Answers } from "../api/upload";
import type { PendingTransaction } from "../chain/transaction-state";
import { LoadController } from "../components/load-controller";
import "../components/sp-analysis";
import "../components/sp-drop-zone";
import "../components/sp-chosen-file";
import "../components/sp-save-opening";
import "../components/sp-known-records";
import "../components/sp-notice";
import "../components/sp-outline-summary";
import "../components/sp-pinned-image";
import "../components/sp-result";
import "../components/sp-result-details";
import "../components/sp-similar";
import "../components/sp-signing";
import "../components/sp-steps";
import "../components/sp-transaction";
import "../components/sp-drafts";
import { sourceOf } from "../components/study-files";
import { loadSlideViewer, loadViewer } from "../components/viewer-loader";
import { storeName } from "../format";
import { resultOf, stepNumber, type Flow, type Pinned } from "../state/flow";
import { fieldsOf, slideOf } from "../state/slide";
import { shared } from "../styles/shared";
import type { Problem } from "../state/problems";
import type { StudyFlow } from "../state/study";
import type { SourceFile } from "../state/zip";
import { FlowController } from "./flow-controller";
import { homeStyles } from "./home-styles";
import { StudyController } from "./study-controller";
import "./sp-study-flow";

/** The image as the models see it: a browser shows some 16-bit files black. Drafts of earlier releases have no view. */
const shown = ({ links }: Image) => links.view || links.content;

/** `/`: the way of one image from a file to a record. */
@customElement("sp-home")
export class HomePage extends LitElement {
  static override styles = [shared, homeStyles];

  @property({ attribute: false }) config!: Config;
  /** What a person goes on with from the page of received images: an unfinished study, or a pinned image. */
  @property({ attribute: false }) opened = { study: "", image: "" };
  /** Whether the wallet's window is open: the image that it is about stays, then. */
  @state() private signing = false;
  private readonly control = new FlowController(this);
  private readonly study = new StudyController(this);
  /** Why what was dropped is nothing to record. */
  @state() private refusal: Problem | null = null;
  private readonly outline = new LoadController<Outline>(this);
  private shownStep: Flow["step"] = "choose";

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("opened") && this.opened.study) void this.study.open(this.opened.study);
    if (changed.has("opened") && this.opened.image) void this.control.open(this.opened.image);
    const { flow } = this.control;
    if ("image" in flow && slideOf(flow.image)) loadSlideViewer();
    else if (flow.step !== "choose") loadViewer();
    const result = resultOf(flow);
    // The outline is optional: without it, the result is still complete. Slides have none.
    if (result && !result.abstained && "image" in flow && !slideOf(flow.image)) this.outline.show(result.manifestHash, () => api.outline(result.cid, result.model.name));
    else this.outline.clear();
  }

  protected override updated(): void {
    const { step } = this.control.flow;
    if (step === this.shownStep) return;
    this.shownStep = step;
    const heading = this.shadowRoot?.getElementById(step);
    if (!this.hidden) heading?.focus({ preventScroll: false });
  }

  protected override render() {
    const { flow } = this.control;
    if (this.study.flow && (flow.step === "choose" || this.opened.study)) return this.studyFlow(this.study.flow);
    return html`<div class="page">
      <div class="intro">
        <h1 class=${flow.step === "choose" ? "" : "small-title"} tabindex="-1" id="choose">Record a medical image</h1>
        ${flow.step === "choose"
          ? html`<p class="lead">
              Pin an image to IPFS, have it classified, and sign the result. Anybody can verify later who recorded what,
              and when, without trusting this server.
            </p>`
          : nothing}
      </div>
      <sp-steps .current=${stepNumber(flow)}></sp-steps>
      ${this.step(flow)}
    </div>`;
  }

  private step(flow: Flow) {
    switch (flow.step) {
      case "choose":
        return this.choose(flow.problem);
      case "chosen":
      case "uploading":
        return html`<sp-chosen-file
          .flow=${flow}
          .config=${this.config}
          @start=${({ detail }: CustomEvent<Answers | null>) => void this.control.start(detail ?? {})}
          @series=${() => void this.goOnAsStudy(flow.file)}
          @sealing=${this.sealingChosen}
          @other=${this.restart}
          @cancel=${() => this.control.cancel()}
        ></sp-chosen-file>`;
      case "classifying":
        return this.classifying(flow);
      case "result":
      case "submitted":
      case "recorded": {
        // One template for all three: what is below the transaction stays as it is.
        const signing = flow.step === "result";
        return html`${signing ? nothing : this.transaction(flow)}
        ${this.result(flow, signing ? this.signature(flow) : nothing)} ${this.details(flow)} ${this.similar(flow)} ${this.analysis(flow.image)}`;
      }
    }
  }

  private choose(problem: Extract<Flow, { step: "choose" }>["problem"]) {
    const { storage } = this.config;
    const shown = this.refusal ?? this.study.refusal ?? problem;
    return html`
      ${shown ? html`<sp-notice level="2" .problem=${shown}></sp-notice>` : nothing} ${this.dropZone()}
      ${this.control.reading
        ? html`<p class="busy" role="status"><span class="spinner"></span>Reading the file, and removing identifiers …</p>`
        : nothing}
      <p class="soft">
        ${storage.public
          ? "A pinned image is public on IPFS permanently: use only images that do not identify a patient."
          : `The image is pinned to ${storeName(storage)}; before you sign, the page lists what becomes public.`}
        Metadata such as EXIF is removed from the file first.
      </p>
      <sp-drafts
        .drafts=${this.control.abandoned}
        .chain=${this.config.chain}
        .states=${this.control.background.states}
        @resume=${({ detail }: CustomEvent<string>) => void this.control.resume(detail)}
        @discard=${({ detail }: CustomEvent<string>) => this.control.discard(detail)}
      ></sp-drafts>
    `;
  }

  private dropZone() {
    const { limits } = this.config;
    return html`<sp-drop-zone
      .limits=${limits}
      @file=${({ detail }: CustomEvent<File>) => {
        this.refusal = this.study.refusal = null;
        void this.control.choose(detail, limits);
      }}
      @study=${({ detail }: CustomEvent<SourceFile[]>) => {
        this.refusal = null;
        void this.study.choose(detail);
      }}
      @refused=${({ detail }: CustomEvent<Problem>) => (this.refusal = detail)}
    ></sp-drop-zone>`;
  }

  private studyFlow(flow: StudyFlow) {
    return html`<div class="page">
      <h1 class="small-title" tabindex="-1" id="choose">Record a study</h1>
      <sp-study-flow .config=${this.config} .control=${this.study} .flow=${flow} @other=${() => void this.study.restart()}>
        ${flow.step === "lacking" ? this.dropZone() : nothing}
      </sp-study-flow>
    </div>`;
  }

  private classifying({ image, problem }: Extract<Flow, { step: "classifying" }>) {
    return html`<section class="panel columns">
      ${this.viewer(image, null)}
      <div class="stack">
        <h2 id="classifying" tabindex="-1">Classifying</h2>
        <sp-pinned-image .image=${image} .removed=${this.control.removedOf(image)}></sp-pinned-image>
        ${problem
          ? html`<sp-notice .problem=${problem}>
              <button class="button primary" type="button" @click=${() => void this.control.classify()}>Try again</button>
              <button class="button" type="button" @click=${this.goOnWithoutResult}>Continue with the image only</button>
            </sp-notice>`
          : html`<p class="busy" role="status">
              <span class="spinner"></span>
              ${slideOf(image)
                ? "The model is reading fields of the pinned slide, 48 at most …"
                : "The model is classifying the pinned image, fetched by its CID …"}
            </p>`}
      </div>
    </section>`;
  }

  private viewer(image: Image, classification: Classification | null) {
    if (slideOf(image)) {
      return html`<sp-slide-viewer .image=${image} .fields=${fieldsOf(classification)} alt="The pinned slide"></sp-slide-viewer>`;
    }
    return html`<sp-viewer
      .src=${shown(image)}
      .stored=${image}
      alt="The pinned image"
      .overlay=${classification && !classification.abstained ? classification.activationMap : null}
      .contours=${this.outline.value?.contours ?? []}
      .size=${image}
    ></sp-viewer>`;
  }

  private result({ image, classification }: Pinned, signature: unknown) {
    return html`<section class="panel columns">
      <div class="stack">
        ${this.viewer(image, classification)}
        <sp-outline-summary .outline=${this.outline.value}></sp-outline-summary>
      </div>
      <div class="stack answer">
        <h2 id="result" class="eyebrow" tabindex="-1">Result</h2>
        ${classification
          ? html`<sp-result .classification=${classification}></sp-result>`
          : html`<p>No result: the image was not classified. You can still register the image.</p>`}
        <sp-known-records .cid=${image.cid}></sp-known-records>
        ${signature}
      </div>
    </section>`;
  }

  private details({ image, classification }: Pinned) {
    return html`<section class="panel stack">
      <h2>Details</h2>
      ${classification ? html`<sp-result-details .classification=${classification}></sp-result-details>` : nothing}
      <sp-pinned-image .image=${image} .removed=${this.control.removedOf(image)}></sp-pinned-image>
      ${this.restartButton()}
    </section>`;
  }

  /** A sealed result is compared with nothing: the server keeps nothing of it. Slides are not compared. */
  private similar({ image, classification }: Pinned) {
    if (!classification || classification.sealed || slideOf(image)) return nothing;
    return html`<section class="panel"><sp-similar .cid=${image.cid} .model=${classification.model.name}></sp-similar></section>`;
  }

  private analysis(image: Image) {
    if (slideOf(image)) return nothing;
    return html`<section class="panel"><sp-analysis .cid=${image.cid}></sp-analysis></section>`;
  }

  private signature({ image, classification }: Pinned) {
    return html`<div class="stack signature">
      <h2 class="eyebrow">Sign the record</h2>
      <sp-signing
        .config=${this.config}
        .cid=${image.cid}
        .classification=${classification}
        @sealing=${this.sealingChosen}
        @waiting=${({ detail }: CustomEvent<boolean>) => (this.signing = detail)}
        @submitted=${({ detail }: CustomEvent<PendingTransaction>) => {
          this.signing = false;
          this.control.submitted({ image, classification }, detail);
        }}
      ></sp-signing>
    </div>`;
  }

  private transaction({ step, transaction, classification }: Extract<Flow, { transaction: PendingTransaction }>) {
    const recorded = step === "recorded";
    return html`<section class="panel stack ${recorded ? "recorded" : ""}">
      <h2 id=${step} tabindex="-1">${recorded ? "Recorded" : "Transaction"}</h2>
      ${recorded
        ? html`<p>The record is on ${this.config.chain.name}. Anybody can verify it now.</p>
            ${classification?.sealed
              ? html`<sp-save-opening saved .classification=${classification}></sp-save-opening>`
              : nothing}
            <div class="actions">
              <a class="button primary" href="/records/${transaction.imageId}">Open the provenance page</a>
              <button class="button" type="button" @click=${this.restart}>Record another image</button>
            </div>`
        : nothing}
      <sp-transaction
        .transaction=${transaction}
        .chain=${this.config.chain}
        @progressed=${({ detail }: CustomEvent<PendingTransaction>) =>
          this.control.reduce({ type: "nonce-known", nonce: detail.nonce })}
        @recorded=${() => this.control.reduce({ type: "recorded" })}
        @sign-again=${() => this.control.reduce({ type: "sign-again" })}
      >
        <p class="soft small">If you start another image, this transaction continues in the background; find it under “Unfinished”.</p>
      </sp-transaction>
      ${recorded
        ? nothing
        : html`<div class="actions">
            <button class="button" type="button" @click=${this.restart}>Start another image</button>
          </div>`}
    </section>`;
  }

  private restartButton() {
    if (this.control.flow.step !== "result") return nothing;
    return html`<button class="button quiet restart" type="button" ?disabled=${this.signing} @click=${this.restart}>
      Start again with another image
    </button>`;
  }

  private async goOnAsStudy(file: File): Promise<void> {
    await this.control.restart();
    const { slices } = await import("../imaging/slices");
    slices.clear();
    await this.study.choose([sourceOf(file.name, file)]);
  }

  private sealingChosen({ detail }: CustomEvent<boolean>): void {
    void this.control.seal(detail);
  }

  private restart(): void {
    void this.control.restart();
  }

  private goOnWithoutResult(): void {
    this.control.reduce({ type: "classified", classification: null });
  }
}
