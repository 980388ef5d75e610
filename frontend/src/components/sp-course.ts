import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { api } from "../api/client";
import type { Course, CourseEntry } from "../api/types";
import { chartOf, type CourseChart } from "../state/course";
import { whole } from "../format";
import { shared } from "../styles/shared";
import { tables } from "../styles/tables";
import { LoadController } from "./load-controller";
import { loadNotice } from "./load-notice";
import "./sp-line-chart";

/** The outlined area over time, for the recorded images of one patient. Empty where nothing can be compared. */
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
  private readonly found = new LoadController<Course>(this);

  protected override willUpdate(): void {
    this.found.show(this.imageId, () => api.course(this.imageId));
  }

  protected override render() {
    const { value, problem } = this.found;
    return html`<div class="stack" data-testid="course">
      <h2>Outlined area over time</h2>
      ${loadNotice(this.found)}
      ${value || problem ? nothing : html`<p class="busy soft" role="status"><span class="spinner"></span>Measuring …</p>`}
      ${value ? this.course(value) : nothing}
    </div>`;
  }

  private course({ entries, reason }: Course) {
    if (reason) return html`<p>There is no series: ${reason}.</p>`;
    if (entries.length < 2) return html`<p>No other image of this patient by the same uploader is recorded here.</p>`;
    const chart = chartOf(entries);
    return html`<p class="soft small">
        Images of one pseudonymous patient by the same uploader. The sender moved all dates by the same number of days. Each area is that of
        one slice: the next slice of the same tumour has another one. Areas in pixels are not comparable.
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

  private row({ imageId, studyDate, squareMm, pixels, by, reason, kind }: CourseEntry) {
    const area = squareMm !== null ? `${squareMm.toFixed(1)} mm²` : pixels !== null ? `${whole(Math.round(pixels))} pixels` : `None: ${reason}`;
    const own = imageId === this.imageId;
    return html`<tr data-testid="course-entry">
      <th scope="row"><time datetime=${studyDate}>${studyDate}</time></th>
      <td class="number">${area}</td>
      <td>${by === "clinician" ? "A clinician" : by === "model" ? "The model" : "–"}</td>
      <td>${kind.sequence.value ?? "Unknown"}</td>
      <td>
        ${own
          ? "This record"
          : html`<a href="/records/${imageId}">Open</a> · <a href="/records/${this.imageId}?with=${imageId}">Side by side</a>`}
      </td>
    </tr>`;
  }
}
