import { LitElement, css, html, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Figures, NetworkResult } from "../api/types";
import { percent, whole } from "../format";
import {
  FIGURES,
  PROTOCOLS,
  lossCurves,
  reliabilityCurve,
  rocCurves,
  title,
  type Line,
  type Measure,
} from "../state/results";
import { fields } from "../styles/forms";
import { shared } from "../styles/shared";
import { tables } from "../styles/tables";
import "./sp-line-chart";

/** Everything about one result, chosen from a list: cautions, curves, all figures, the confusion matrix. */
@customElement("sp-network-result")
export class NetworkResultPanel extends LitElement {
  static override styles = [
    shared,
    fields,
    tables,
    css`
      summary {
        cursor: pointer;
        font-weight: 600;
      }
      .content {
        padding-top: var(--space-4);
      }
      .choice {
        display: grid;
        gap: var(--space-1);
        max-width: 32rem;
      }
      .charts {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(16rem, 100%), 1fr));
        gap: var(--space-5);
      }
      figcaption {
        margin-bottom: var(--space-2);
        font-weight: 600;
      }
      figure {
        max-width: 26rem;
      }
      .cautions {
        list-style: disc;
        padding-left: 1.25rem;
        max-width: 46rem;
      }
    `,
  ];

  @property({ attribute: false }) results: NetworkResult[] = [];
  @state() private open = false;
  @state() private chosen = 0;

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("results")) this.chosen = 0;
  }

  protected override render() {
    const result = this.results[this.chosen];
    return html`<details data-testid="network-result" .open=${this.open} @toggle=${this.toggled}>
      <summary>Curves, all figures and what to know before comparing</summary>
      ${this.open && result ? html`<div class="content stack">${this.choice()} ${details(result)}</div>` : nothing}
    </details>`;
  }

  private choice() {
    return html`<label class="choice">
      <span>Network and protocol</span>
      <select @change=${this.changed}>
        ${this.results.map(
          (result, place) => html`<option value=${place} ?selected=${place === this.chosen}>${fullTitle(result)}</option>`,
        )}
      </select>
    </label>`;
  }

  private changed({ target }: Event): void {
    this.chosen = Number((target as HTMLSelectElement).value);
  }

  private toggled({ target }: Event): void {
    this.open = (target as HTMLDetailsElement).open;
  }
}

const fullTitle = (result: NetworkResult) => `${title(result)}: ${PROTOCOLS[result.protocol] ?? result.protocol}`;

function details(result: NetworkResult) {
  const { network, cost, cautions } = result;
  return html`${cautions.length > 0
      ? html`<ul class="cautions">
          ${cautions.map((text) => html`<li>${text}</li>`)}
        </ul>`
      : nothing}
    <p class="small soft">
      ${whole(network.parameters.total)} parameters, ${whole(network.parameters.trainable)} of them trained;
      ${cost.seconds_per_epoch.toFixed(2)} s an epoch${network.frozen_backbone ? " of the head alone" : ""}.
    </p>
    ${charts(result)} ${figureTable(result)} ${confusion(result)}`;
}

function charts(result: NetworkResult) {
  const loss = lossCurves(result);
  const roc = rocCurves(result);
  const areas = roc.map(({ name }) => `${name} ${result.figures.classes[name]?.auc?.toFixed(2) ?? "undefined"}`).join(", ");
  const error = result.figures.expected_calibration_error;
  return html`<div class="charts">
    ${loss.length > 0
      ? html`<figure>
          <figcaption>Training</figcaption>
          <sp-line-chart
            .lines=${loss}
            .x=${[1, Math.max(2, ...loss.map(({ points }) => points.length))]}
            .y=${[0, highest(loss)]}
            x-title="epoch"
            y-title="loss"
            label=${`Loss by epoch: ${loss.map(ends).join("; ")}`}
          ></sp-line-chart>
        </figure>`
      : nothing}
    ${roc.length > 0
      ? html`<figure>
          <figcaption>ROC</figcaption>
          <sp-line-chart
            diagonal
            .lines=${roc}
            x-title="false positive rate"
            y-title="true positive rate"
            label="ROC curves with their areas: ${areas}"
          ></sp-line-chart>
        </figure>`
      : nothing}
    <figure>
      <figcaption>Reliability</figcaption>
      <sp-line-chart
        diagonal
        dots
        .lines=${reliabilityCurve(result)}
        x-title="confidence"
        y-title="accuracy"
        label="Accuracy by confidence; calibration error ${error?.toFixed(3) ?? "undefined"}"
      ></sp-line-chart>
    </figure>
  </div>`;
}

const highest = (lines: Line[]) => Math.ceil(10 * Math.max(0.1, ...lines.flatMap(({ points }) => points.map(([, y]) => y)))) / 10;

function ends({ name, points }: Line): string {
  const [first, last] = [points[0], points.at(-1)];
  return first && last ? `${name} from ${first[1].toFixed(2)} to ${last[1].toFixed(2)} in ${points.length} epochs` : name;
}

/** Distinguishes the same table of two data sets. */
const where = (result: NetworkResult) => `${fullTitle(result)}, on ${result.data.name}`;

function figureTable(result: NetworkResult) {
  const { figures, group_figures: byGroup, data } = result;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="All figures of ${where(result)}">
    <table>
      <caption class="visually-hidden">
        All figures with 95 % intervals
      </caption>
      <thead>
        <tr>
          <th scope="col">Figure</th>
          <th scope="col">Each image judged</th>
          ${byGroup ? html`<th scope="col">Each ${data.unit} judged, by the mean of the images</th>` : nothing}
        </tr>
      </thead>
      <tbody>
        ${FIGURES.map(
          ({ name, title, share }) => html`<tr>
            <th scope="row">${title}</th>
            <td>${withInterval(figures, name, share)}</td>
            ${byGroup ? html`<td>${withInterval(byGroup, name, share)}</td>` : nothing}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** A figure over its interval. */
export function withInterval(figures: Figures, name: Measure, share: boolean) {
  const value = figures[name];
  const interval = figures[`${name}_interval`];
  const show = (number: number) => (share ? percent(number) : number.toFixed(3));
  if (value === null) return html`<span class="soft">undefined</span>`;
  return html`${show(value)} ${interval ? html`<span class="interval">(${show(interval[0])} to ${show(interval[1])})</span>` : nothing}`;
}

function confusion(result: NetworkResult) {
  const { labels, rows_are_truth } = result.figures.confusion;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Confusion matrix of ${where(result)}">
    <table>
      <caption class="visually-hidden">
        Confusion matrix: a row is the truth, a column the answer
      </caption>
      <thead>
        <tr>
          <th scope="col">Truth</th>
          ${labels.map((label) => html`<th scope="col">answered ${label}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${labels.map(
          (label, row) => html`<tr>
            <th scope="row">${label}</th>
            ${rows_are_truth[row]?.map((count) => html`<td>${whole(count)}</td>`)}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
