import { LitElement, css, html, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { api, viewOf } from "../api/client";
import type { Config, Diagnosis, Image, ImageRecord, Lineage, Model, Outline, StudyResult } from "../api/types";
import { LoadController } from "../components/load-controller";
import { loadNotice } from "../components/load-notice";
import "../components/sp-add-diagnosis";
import "../components/sp-analysis";
import "../components/sp-independent-check";
import "../components/sp-course";
import "../components/sp-diagnosis";
import "../components/sp-exports";
import "../components/sp-lineage";
import "../components/sp-notice";
import "../components/sp-outline-summary";
import "../components/sp-record-summary";
import "../components/sp-side-by-side";
import "../components/sp-similar";
import "../components/sp-registration";
import "../components/sp-study-slices";
import "../components/sp-study-summary";
import "../components/sp-timeline";
import type { Checked } from "../components/sp-verification";
import "../components/sp-verification";
import { loadSlideViewer, loadViewer } from "../components/viewer-loader";
import type { Problem } from "../state/problems";
import { isModelResultValid } from "../state/diagnosis-status";
import { fieldsOfManifest, NO_FIELDS, slideOf, type Field } from "../state/slide";
import { timelineOf } from "../state/timeline";
import { shared } from "../styles/shared";
import { RecordController } from "./record-controller";

/** `/records/<imageId>`: who recorded what and when, what became of it, and how to check it. */
@customElement("sp-record")
export class RecordPage extends LitElement {
  static override styles = [
    shared,
    css`
      h1 {
        font-size: var(--text-h3);
      }
      .columns {
        display: grid;
        grid-template: "image summary" auto "image registration" 1fr / minmax(0, 4fr) minmax(0, 7fr);
        gap: var(--space-5) var(--space-6);
        align-items: start;
      }
      .image {
        grid-area: image;
      }
      sp-record-summary {
        grid-area: summary;
      }
      sp-registration {
        grid-area: registration;
      }
      sp-diagnosis + sp-diagnosis,
      sp-lineage + sp-lineage {
        padding-top: var(--space-4);
        border-top: 1px solid var(--line);
      }
      @media (max-width: 52rem) {
        .columns {
          grid-template: "summary" "image" "registration" / minmax(0, 1fr);
        }
      }
      @media print {
        .columns {
          grid-template: "image summary" auto "image registration" 1fr / minmax(0, 4fr) minmax(0, 7fr);
        }
      }
    `,
  ];

  @property({ attribute: false }) imageId = "";
  /** The id of the record beside it, empty for none. Event `compare` with another one. */
  @property({ attribute: false }) compared = "";
  @property({ attribute: false }) config!: Config;
  @state() private checked: Checked = { verification: null, problem: null };
  private readonly control = new RecordController(this);
  private readonly models = new LoadController<Model[]>(this);
  private readonly lineages = new LoadController<Lineage[]>(this);
  private readonly facts = new LoadController<Image>(this);
  private readonly studies = new LoadController<StudyResult>(this);
  private readonly outlined = new LoadController<Outline>(this);
  private readonly fields = new LoadController<readonly Field[]>(this);

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("imageId")) this.control.show(this.imageId);
    const diagnoses = this.control.record?.diagnoses ?? [];
    const modelIds = [...new Set(diagnoses.map(({ modelId }) => modelId))];
    if (modelIds.length > 0) {
      this.models.show("models", () => api.models());
      this.lineages.show(modelIds.join(), () => Promise.all(modelIds.map((id) => api.lineage(id))));
    } else {
      this.models.clear();
      this.lineages.clear();
    }
    this.showOutline();
    const { study, imageId } = this.control.record ?? {};
    if (study && imageId) this.studies.show(imageId, () => api.recordedStudy(imageId));
    else this.studies.clear();
    if (this.slide) loadSlideViewer();
    else if (this.control.record?.imageAvailable) loadViewer();
  }

  protected override render() {
    const { record, problem, missing } = this.control;
    if (missing) return this.noRecord();
    return html`<div class="stack">
      <h1 tabindex="-1">${record?.study ? "Study record" : "Provenance record"}</h1>
      <p class="on-paper small" data-testid="printed-address">
        ${this.config.notice} Compare this print with the record: <span class="mono">${location.origin}/records/${this.imageId}</span>
      </p>
      ${problem
        ? html`<sp-notice level="2" .problem=${problem}>
            <button class="button" type="button" @click=${() => void this.control.load()}>Try again</button>
          </sp-notice>`
        : nothing}
      ${record ? this.found(record) : nothing}
      ${!record && !problem ? html`<p class="busy soft"><span class="spinner"></span>Loading …</p>` : nothing}
    </div>`;
  }

  private found(record: ImageRecord) {
    const { imageId, cid, diagnoses } = record;
    return html`
      <section class="panel columns" aria-label="The record in short">
        <sp-record-summary .record=${record} .checked=${this.checked}></sp-record-summary>
        ${record.study ? this.study() : this.image(record)}
        <sp-registration .record=${record}></sp-registration>
      </section>
      ${this.slices(diagnoses)}
      <section class="panel stack">
        <h2>${HEADINGS[diagnoses.length] ?? "Diagnoses, newest first"}</h2>
        ${diagnoses.length > 0
          ? html`<p class="soft small">${this.config.notice}</p>
              ${repeat(
                diagnoses.toReversed(),
                ({ diagnosisId }) => diagnosisId,
                (diagnosis) => this.diagnosis(diagnosis, record),
              )}`
          : html`<p>No diagnosis has been recorded.</p>
              <sp-add-diagnosis .record=${record} .config=${this.config} @recorded=${() => void this.control.refresh()}></sp-add-diagnosis>`}
      </section>
      <section class="panel stack">
        <h2>Timeline</h2>
        <sp-timeline .steps=${timelineOf(record, this.lineages.value ?? [], this.models.value ?? [])}></sp-timeline>
      </section>
      ${this.lineage()}
      ${record.imageAvailable && !record.study && !this.slide ? html`<section class="panel on-screen"><sp-analysis .cid=${cid}></sp-analysis></section>` : nothing}
      ${record.imageAvailable || record.study ? this.beside(record) : nothing}
      ${this.similar(record)} ${this.course(record)}
      <section class="panel stack">
        <h2>Verification</h2>
        <sp-verification
          .imageId=${imageId}
          .additions=${this.control.changes}
          @checked=${({ detail }: CustomEvent<Checked>) => (this.checked = detail)}
        ></sp-verification>
      </section>
      ${diagnoses.length > 0 ? this.exports(record) : nothing}
      <section class="panel stack">
        <h2>Check it yourself</h2>
        <sp-independent-check .record=${record} .chain=${this.config.chain}></sp-independent-check>
      </section>
    `;
  }

  private beside(record: ImageRecord) {
    return html`<section class="panel on-screen">
      <sp-side-by-side
        .record=${record}
        .compared=${this.compared}
        @compare=${({ detail }: CustomEvent<string>) => this.dispatchEvent(new CustomEvent("compare", { detail }))}
      ></sp-side-by-side>
    </section>`;
  }

  /** By the model of the newest public diagnosis that is installed here. */
  private similar({ cid, imageAvailable, study, diagnoses }: ImageRecord) {
    const newest = diagnoses.findLast(({ sealed, model }) => !sealed && model);
    if (!imageAvailable || study || this.slide || !newest?.model) return nothing;
    return html`<section class="panel"><sp-similar .cid=${cid} .model=${newest.model.name}></sp-similar></section>`;
  }

  /** Only DICOM files name a patient, by a pseudonym. */
  private course({ imageId, imageAvailable, study }: ImageRecord) {
    const dicom = study ? this.studies.value?.series : this.facts.value?.mediaType === "application/dicom";
    if (!(imageAvailable || study) || !dicom) return nothing;
    return html`<section class="panel"><sp-course .imageId=${imageId}></sp-course></section>`;
  }

  private exports(record: ImageRecord) {
    return html`<section class="panel stack on-screen">
      <h2>Export</h2>
      <sp-exports .record=${record} .kinds=${this.config.exports}></sp-exports>
    </section>`;
  }

  private diagnosis(diagnosis: Diagnosis, { cid, diagnoses }: ImageRecord) {
    return html`<sp-diagnosis
      .cid=${cid}
      .diagnosis=${diagnosis}
      .models=${this.models.value}
      ?newest=${diagnosis === diagnoses.at(-1)}
    ></sp-diagnosis>`;
  }

  private lineage() {
    const { value, problem } = this.lineages;
    if (!value && !problem) return nothing;
    return html`<section class="panel stack">
      <h2>Where the model comes from</h2>
      ${problem ? loadNotice(this.lineages) : value?.map((lineage) => html`<sp-lineage .lineage=${lineage}></sp-lineage>`)}
    </section>`;
  }

  private study() {
    const { value, problem } = this.studies;
    return html`<div class="image stack">
      ${value ? html`<sp-study-summary .result=${value}></sp-study-summary>` : nothing}
      ${loadNotice(this.studies)}
      ${value || problem ? nothing : html`<p class="busy soft"><span class="spinner"></span>Loading the study …</p>`}
    </div>`;
  }

  private slices(diagnoses: Diagnosis[]) {
    const { value } = this.studies;
    if (!value) return nothing;
    const newest = diagnoses.at(-1);
    const corrected = newest?.reviews.at(-1)?.sliceOutlines ?? [];
    return html`<section class="panel stack">
      <h2>Slices</h2>
      ${corrected.length > 0
        ? html`<p class="small" data-testid="corrected-outline">
            The outlines of the slices marked “outline corrected” are those of the clinician who reviewed the diagnosis, not the model's.
          </p>`
        : nothing}
      <sp-study-slices
        .result=${value}
        .model=${newest && isModelResultValid(newest) ? (newest.model?.name ?? null) : null}
        .corrected=${corrected}
      ></sp-study-slices>
    </section>`;
  }

  private image({ cid, imageAvailable, diagnoses }: ImageRecord) {
    if (!imageAvailable) return html`<sp-notice class="image" .problem=${IMAGE_UNAVAILABLE}></sp-notice>`;
    const image = this.facts.value;
    // Contours are in pixels of the image: without its size they have no place.
    const outline = image && this.outlined.value;
    const flag = diagnoses.at(-1)?.status === "withdrawn" ? "Diagnosis withdrawn" : null;
    if (image && this.slide) {
      return html`<sp-slide-viewer
        class="image"
        .image=${image}
        .fields=${this.fields.value ?? NO_FIELDS}
        .flag=${flag}
        alt="The recorded slide"
      ></sp-slide-viewer>`;
    }
    const corrected = image && (diagnoses.at(-1)?.reviews.at(-1)?.outline ?? null);
    return html`<div class="image stack">
      <sp-viewer
        src=${viewOf(cid)}
        alt="The recorded image"
        .stored=${image}
        .contours=${corrected ?? outline?.contours ?? []}
        outline-name=${corrected ? "Outline: as a clinician corrected it" : "Outline: where the model sees a tumour"}
        .size=${image}
        .flag=${flag}
      ></sp-viewer>
      ${corrected
        ? html`<p class="small" data-testid="corrected-outline">
            ${corrected.length > 0
              ? "The outline is the one of the clinician who reviewed the diagnosis, not the model's."
              : "The clinician who reviewed the diagnosis removed the model's outline."}
          </p>`
        : html`<sp-outline-summary .outline=${outline}></sp-outline-summary>`}
    </div>`;
  }

  private noRecord() {
    return html`<div class="stack">
      <h1 tabindex="-1">No such record</h1>
      <p class="lead">The contract has no image with this id.</p>
      <p class="mono">${this.imageId}</p>
      <div class="actions">
        <a class="button" href="/records">Browse the records</a>
      </div>
    </div>`;
  }

  /** The outline only while the model's own result is valid and public; it is optional. */
  private showOutline(): void {
    const { cid = "", imageAvailable, study, diagnoses = [] } = this.control.record ?? {};
    if (imageAvailable && !study) this.facts.show(cid, () => api.image(cid));
    else this.facts.clear();
    const newest = diagnoses.at(-1);
    this.showFields(newest);
    const shown = imageAvailable && !this.slide && !study && newest && isModelResultValid(newest) && !newest.sealed && newest.labelCode !== 0;
    const name = shown ? newest.model?.name : undefined;
    if (!name) {
      this.outlined.clear();
      return;
    }
    this.outlined.show(`${cid} ${name}`, () => api.outline(cid, name));
  }

  /** What a model read of a slide, while its result is public and no clinician replaced it. */
  private showFields(newest: Diagnosis | undefined): void {
    if (!this.slide || !newest || newest.sealed || !(isModelResultValid(newest) || newest.status === "abstained")) {
      this.fields.clear();
      return;
    }
    const { manifestHash } = newest;
    this.fields.show(manifestHash, async () => fieldsOfManifest(await api.manifest(manifestHash), manifestHash));
  }

  private get slide(): boolean {
    return slideOf(this.facts.value) !== null;
  }
}

const HEADINGS = ["Record the diagnosis", "Diagnosis"];

const IMAGE_UNAVAILABLE: Problem = {
  kind: "image-unavailable",
  tone: "warning",
  title: "This server does not have the image",
  text: "The bytes of this CID are not stored here. The record is still valid; anybody who has the file can verify it.",
};
