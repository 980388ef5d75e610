import { LitElement, css, html, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { api } from "../api/client";
import type { Course, CourseEntry, OutlinedBy } from "../api/types";
import { areaText, chartOf, type CourseChart } from "../state/course";
import { shared } from "../styles/shared";
import { tables } from "../styles/tables";
import { LoadController } from "./load-controller";
import { loadNotice } from "./load-notice";
import "./sp-line-chart";

const DRAWN_BY: Record<OutlinedBy, string> = { model: "The model", clinician: "A clinician", both: "Model and clinician" };

/** The outlined area over time, for the recorded images or studies of one patient. Empty where nothing can be compared. */
@customElement("sp-course")
export class AreaCourse extends LitElement {
  static override styles = [
    shared,
    tables,
    css`
      figure {
        max-width: 30rem;
        margin: 0;
      }
    `,
  ];

  @property({ attribute: false }) imageId = "";
  /** Counts how often studies that are not measured yet were asked for. */
  @state() private asked = 0;
  private readonly found = new LoadController<Course>(this);
  private latest: Course | null = null;

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("imageId")) this.latest = null;
    this.found.show(`${this.imageId} ${this.asked}`, () => api.course(this.imageId));
    this.latest = this.found.value ?? this.latest;
  }

  protected override updated(): void {
    if (this.found.value?.entries.some(({ pending }) => pending)) this.asked += 1;
  }

  protected override render() {
    const { problem } = this.found;
    const value = this.latest;
    return html`<div class="stack" data-testid="course">
      <h2>Outlined area over time</h2>
      ${loadNotice(this.found)}
      ${value || problem ? nothing : html`<p class="busy soft" role="status"><span class="spinner"></span>Measuring …</p>`}
      ${value ? this.course(value) : nothing}
    </div>`;
  }

  private course({ entries, reason }: Course) {
    if (reason) return html`<p>There is no series: ${reason}.</p>`;
    const study = entries.some((entry) => entry.study);
    if (entries.length < 2) {
      return html`<p>No other ${study ? "study" : "image"} of this patient by the same uploader is recorded here.</p>`;
    }
    const chart = chartOf(entries);
    return html`<p class="soft small">
        ${study ? "Studies" : "Images"} of one pseudonymous patient by the same uploader. The sender moved all dates by the same number of
        days.
        ${study
          ? "Each area is the largest of a slice, the volume the sum of the outlined areas times the distance of the slices."
          : "Each area is that of one slice: the next slice of the same tumour has another one."}
        Areas in pixels are not comparable.
      </p>
      ${chart ? this.chart(chart) : nothing}
      <div class="scroll" tabindex="0" role="region" aria-label="Outlined areas by date">
        <table>
          <thead>
            <tr>
              <th scope="col">Study date</th>
              <th scope="col" class="number">Area</th>
              <th scope="col">Outlined by</th>
              <th scope="col">Sequence</th>
              <th scope="col">Record</th>
            </tr>
          </thead>
          <tbody>
            ${entries.map((entry) => this.row(entry))}
          </tbody>
        </table>
      </div>`;
  }

  private chart({ x, y, points, label }: CourseChart) {
    return html`<figure>
      <sp-line-chart
        .lines=${[{ name: "Area", points }]}
        .x=${x}
        .y=${y}
        x-title="Days since the first"
        y-title="Area in mm²"
        label=${label}
        dots
      ></sp-line-chart>
    </figure>`;
  }

  private row(entry: CourseEntry) {
    const { imageId, studyDate, by, kind } = entry;
    const own = imageId === this.imageId;
    return html`<tr data-testid="course-entry">
      <th scope="row"><time datetime=${studyDate}>${studyDate}</time></th>
      <td class="number">${areaText(entry)}</td>
      <td>${by ? DRAWN_BY[by] : "–"}</td>
      <td>${kind.sequence.value ?? "Unknown"}</td>
      <td>
        ${own
          ? "This record"
          : html`<a href="/records/${imageId}">Open</a> · <a href="/records/${this.imageId}?with=${imageId}">Side by side</a>`}
      </td>
    </tr>`;
  }
}
