import { LitElement, css, html, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { api, sliceViewOf, viewOf } from "../api/client";
import type { Image, Outline, SliceOutline, StudyResult, StudySlice } from "../api/types";
import { percent, printable } from "../format";
import type { Slice } from "../imaging/slices";
import type { Contour } from "../state/outline-edit";
import { shared } from "../styles/shared";
import { tables } from "../styles/tables";
import { LoadController } from "./load-controller";
import { loadViewer } from "./viewer-loader";

/** Before the model outlines a slice: nobody waits for those that are passed by. */
const REST_MS = 250;

/**
 * The slices of a study with their results, and the chosen one in the viewer, with its outline. Event `outlines` with the
 * SliceOutlines that the person corrected.
 */
@customElement("sp-study-slices")
export class StudySlices extends LitElement {
  static override styles = [
    shared,
    tables,
    css`
      .columns {
        display: grid;
        grid-template-columns: minmax(0, 4fr) minmax(0, 7fr);
        gap: var(--space-5);
        align-items: start;
      }
      .list {
        max-height: 32rem;
        overflow: auto;
        border: 1px solid var(--line);
        border-radius: var(--radius-small);
      }
      table {
        width: 100%;
      }
      th,
      td {
        padding: var(--space-1) var(--space-3);
        vertical-align: middle;
      }
      /* File names may break anywhere, results do not. */
      td:first-child {
        overflow-wrap: anywhere;
      }
      thead th {
        position: sticky;
        top: 0;
        background: var(--surface);
      }
      tr.deciding td:first-child {
        box-shadow: inset 3px 0 0 var(--accent);
      }
      tr.shown {
        background: var(--accent-soft);
      }
      sp-thumbnail {
        --side: 3rem;
        width: 3rem;
        height: 3rem;
      }
      button.number {
        display: flex;
        gap: var(--space-2);
        align-items: center;
        padding: 0;
        border: 0;
        background: none;
        color: inherit;
        font: inherit;
        text-decoration: underline;
        cursor: pointer;
      }
      :host([narrow]) .columns {
        grid-template-columns: minmax(0, 1fr);
      }
      @media (max-width: 52rem) {
        .columns {
          grid-template-columns: minmax(0, 1fr);
        }
        .list {
          max-height: 22rem;
        }
      }
    `,
  ];

  @property({ attribute: false }) result!: StudyResult;
  /** The id of a study that is being made; its images are not pinned yet. */
  @property({ attribute: "study-id" }) studyId = "";
  /** The sender's own names of files, by those that the server knows. */
  @property({ attribute: false }) names = new Map<string, string>();
  /** The slices that the person is asked about, from 0. */
  @property({ attribute: false }) asked: number[] = [];
  /** The classifier after whose result slices of a recorded study are outlined; null for no outlines. */
  @property({ attribute: false }) model: string | null = null;
  /** The outlines of the clinician who reviewed the study, in place of the model's. */
  @property({ attribute: false }) corrected: SliceOutline[] = [];
  /** Whether outlines can be corrected. */
  @property({ attribute: false }) editable = false;
  @state() private chosen: number | null = null;
  /** The slice that is shown since a moment. */
  @state() private rested: number | null = null;
  @state() private edited = new Map<number, SliceOutline>();
  private stack: Slice[] = [];
  private readonly facts = new LoadController<Image>(this);
  private readonly outlined = new LoadController<Outline>(this);
  private timer = 0;

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("result") || changed.has("studyId")) {
      const { slices } = this.result;
      this.stack = slices.map((slice) => ({
        src: this.source(slice),
        alt: `Slice ${slice.order + 1} of ${slices.length}: ${slice.labelText}`,
        result: slice.labelText,
      }));
      this.rest();
    }
    const slice = this.result.slices[this.rested ?? -1];
    if (slice && !this.studyId) this.facts.show(slice.cid, () => api.image(slice.cid));
    else this.facts.clear();
    const { model } = this;
    if (slice && model && !this.studyId) this.outlined.show(`${slice.cid} ${model}`, () => api.outline(slice.cid, model));
    else this.outlined.clear();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.clearTimeout(this.timer);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    loadViewer();
  }

  protected override render() {
    const { slices, summary } = this.result;
    const shown = slices[this.chosen ?? this.first] ?? slices[0];
    const [from, to] = summary.deciding ?? [-1, -1];
    return html`<div class="columns">
      ${shown
        ? html`<sp-stack
            .slices=${this.stack.with(shown.order, this.withOutline(shown))}
            .index=${shown.order}
            .strip=${false}
            .editable=${this.editable && this.facts.value?.cid === shown.cid}
            @slice=${({ detail }: CustomEvent<number>) => this.show(detail)}
            @outline=${({ detail }: CustomEvent<Contour[] | null>) => this.correct(shown, detail)}
          ></sp-stack>`
        : nothing}
      <div class="list" tabindex="0" role="region" aria-label="The slices and their results" data-testid="slices">
        <table>
          <thead>
            <tr><th scope="col">Slice</th><th scope="col">Result</th><th scope="col">Confidence</th></tr>
          </thead>
          <tbody>
            ${slices.map((slice) => {
              const deciding = slice.order >= (from ?? -1) && slice.order <= (to ?? -1);
              const classes = `${deciding ? "deciding" : ""} ${slice === shown ? "shown" : ""}`;
              return html`<tr class=${classes} data-testid="slice">
                <td>
                  <button
                    class="number"
                    type="button"
                    aria-pressed=${slice === shown}
                    aria-label="Show slice ${slice.order + 1}"
                    @click=${() => this.show(slice.order)}
                  >
                    <sp-thumbnail .slice=${this.stack[slice.order]}></sp-thumbnail>
                    <span>${slice.order + 1}</span>
                  </button>
                  ${this.nameOf(slice)}
                </td>
                <td>
                  ${slice.labelText}${deciding ? html` <span class="soft small">decides</span>` : nothing}
                  ${this.asked.includes(slice.order) ? html` <strong class="small">look at it</strong>` : nothing}
                  ${this.correctionOf(slice) ? html` <span class="soft small">outline corrected</span>` : nothing}
                </td>
                <td>${slice.abstained ? "–" : percent(slice.confidence)}</td>
              </tr>`;
            })}
          </tbody>
        </table>
      </div>
    </div>`;
  }

  private nameOf({ name }: StudySlice) {
    const own = name ? this.names.get(name) : undefined;
    const shown = own ?? name;
    return shown ? html`<span class="soft small" title=${own && name ? `sent as ${name}` : nothing}>${printable(shown)}</span>` : nothing;
  }

  /** The first one that is asked about, else the middle one of those that decided, else of all. */
  private get first(): number {
    if (this.asked[0] !== undefined) return this.asked[0];
    const { summary, slices } = this.result;
    const [from, to] = summary.deciding ?? [0, slices.length - 1];
    return Math.floor(((from ?? 0) + (to ?? 0)) / 2);
  }

  private show(order: number): void {
    this.chosen = order;
    this.rest();
  }

  private rest(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => (this.rested = this.chosen ?? this.first), REST_MS);
  }

  /** What takes the place of the model's outline on a slice, if it names the slice's own image. */
  private correctionOf({ order, cid }: StudySlice): SliceOutline | null {
    return this.edited.get(order) ?? this.corrected.find((each) => each.order === order && each.cid === cid) ?? null;
  }

  /** Contours are in pixels of the image: without its size they have no place. */
  private withOutline(slice: StudySlice): Slice {
    const shown = this.stack[slice.order] ?? { alt: "" };
    const image = this.facts.value;
    if (image?.cid !== slice.cid) return shown;
    const correction = this.correctionOf(slice);
    const outlineName = correction ? { outlineName: "Outline: as a clinician corrected it" } : {};
    return { ...shown, size: image, contours: correction?.outline ?? this.outlined.value?.contours ?? [], ...outlineName };
  }

  private correct({ order, cid }: StudySlice, outline: Contour[] | null): void {
    const edited = new Map(this.edited);
    if (outline) edited.set(order, { order, cid, outline });
    else edited.delete(order);
    this.edited = edited;
    const detail = [...edited.values()].sort((one, other) => one.order - other.order);
    this.dispatchEvent(new CustomEvent("outlines", { detail }));
  }

  private source({ cid, order }: StudySlice): string {
    return this.studyId ? sliceViewOf(this.studyId, order) : viewOf(cid);
  }
}
