import { LitElement, css, html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { api } from "../api/client";
import type { PublishedFigures, Results } from "../api/types";
import { bytes, whole } from "../format";
import { PROTOCOLS, dataSets, type DataSet, type Row } from "../state/results";
import { shared } from "../styles/shared";
import { tables } from "../styles/tables";
import { LoadController } from "./load-controller";
import { loadNotice } from "./load-notice";
import "./sp-interval-chart";
import { withInterval } from "./sp-network-result";

const AUC = "macro_auc";

/** What every network reached, side by side: one table and one chart a data set, the honest protocol first. */
@customElement("sp-comparison")
export class Comparison extends LitElement {
  static override styles = [
    shared,
    tables,
    css`
      .explanation {
        padding: var(--space-3) var(--space-4);
        border-left: 4px solid var(--accent);
        background: var(--accent-soft);
        max-width: 52rem;
        text-wrap: pretty;
      }
      .none {
        color: var(--ink-soft);
      }
      .data {
        display: block;
        min-width: 10rem;
      }
    `,
  ];

  private readonly loading = new LoadController<Results>(this);

  override connectedCallback(): void {
    super.connectedCallback();
    this.loading.show("results", () => api.results());
  }

  protected override render() {
    return html`<section class="stack" aria-labelledby="title" data-testid="comparison">
      <h2 id="title">The networks side by side</h2>
      ${this.content()}
    </section>`;
  }

  private content() {
    const { value, problem } = this.loading;
    if (problem) return loadNotice(this.loading);
    if (!value) return html`<p class="busy soft" role="status"><span class="spinner"></span>Loading …</p>`;
    if (value.results.length === 0) {
      return html`<p class="panel">No network has been compared here yet: run <code>scanproof compare</code>.</p>`;
    }
    return html`<p class="soft">
        Each network trained and measured in the same way, on images it was not trained on. ROC-AUC measures how
        well the network separates the classes: 0.5 is chance, 1 is perfect. In brackets: 95 % bootstrap intervals, over patients where
        they are known.
      </p>
      ${dataSets(value).map((set) => dataSet(set, value.published))}`;
  }
}

function dataSet(set: DataSet, published: PublishedFigures[]) {
  const { about, explanation, notTrained, rows } = set;
  const groups = about.groups ? `, ${whole(about.groups)} ${about.unit}s` : "";
  const results = rows.flatMap(({ by }) => [...by.values()]);
  return html`<article class="panel stack" data-testid="data-set">
    <h3>${set.name}</h3>
    <p class="small soft">${whole(about.images)} images${groups}: ${about.labels.join(", ")}</p>
    ${explanation ? html`<p class="explanation" data-testid="explanation">${explanation}</p>` : nothing}
    ${table(set, published)} ${chart(set)}
    <sp-network-result .results=${results}></sp-network-result>
    ${notTrained.length > 0 ? html`<p class="small soft">Not trained for this comparison: ${notTrained.join(", ")}.</p>` : nothing}
  </article>`;
}

function table({ name, protocols, rows }: DataSet, published: PublishedFigures[]) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Comparison on ${name}">
    <table data-testid="comparison-table">
      <caption class="visually-hidden">
        ROC-AUC and accuracy of each network on ${name}, with 95 % intervals
      </caption>
      <thead>
        <tr>
          <th scope="col" rowspan="2">Network</th>
          ${protocols.map((protocol) => html`<th scope="colgroup" colspan="2">${PROTOCOLS[protocol] ?? protocol}</th>`)}
          <th scope="col" rowspan="2">Published by its source, on its own data</th>
          <th scope="col" rowspan="2">Size and time an image</th>
        </tr>
        <tr>
          ${protocols.map(() => html`<th scope="col">ROC-AUC</th><th scope="col">Accuracy</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map((row) => tableRow(row, protocols, published))}
      </tbody>
    </table>
  </div>`;
}

function tableRow({ name, source, by }: Row, protocols: string[], published: PublishedFigures[]) {
  const [any] = [...by.values()];
  if (!any) return nothing;
  const { cost, network } = any;
  const theirs = published.find((each) => each.network === network.name);
  return html`<tr data-testid="network">
    <th scope="row">
      ${name} <span class="soft">${source}</span>
      ${network.frozen_backbone && !network.weights ? html`<span class="data soft">backbone frozen at random weights</span>` : nothing}
    </th>
    ${protocols.map((protocol) => {
      const result = by.get(protocol);
      return result
        ? html`<td>${withInterval(result.figures, AUC, false)}</td>
            <td>${withInterval(result.figures, "accuracy", true)}</td>`
        : html`<td colspan="2" class="none">not measured</td>`;
    })}
    <td>${theirs ? ownFigures(theirs) : html`<span class="none">none</span>`}</td>
    <td>${bytes(cost.bytes)}, ${cost.milliseconds.toFixed(1)} ms</td>
  </tr>`;
}

const ownFigures = ({ auc, accuracy, data }: PublishedFigures) =>
  html`${auc === null ? "" : `ROC-AUC ${auc.toFixed(3)}, `}accuracy ${(100 * accuracy).toFixed(1)} %
    <span class="data soft">${data}</span>`;

function chart({ name, protocols, rows }: DataSet) {
  const estimates = rows.map(({ name, by }) => ({
    name,
    estimates: protocols.map((protocol) => {
      const figures = by.get(protocol)?.figures;
      const value = figures?.[AUC] ?? null;
      return figures && value !== null ? { value, interval: figures[`${AUC}_interval`] } : null;
    }),
  }));
  const lowest = Math.min(0.5, ...estimates.flatMap((row) => row.estimates.map((each) => each?.interval?.[0] ?? 0.5)));
  return html`<sp-interval-chart
    .rows=${estimates}
    .protocols=${protocols.map((protocol) => PROTOCOLS[protocol] ?? protocol)}
    .range=${[Math.floor(lowest * 10) / 10, 1]}
    label="Chart of the ROC-AUC of each network on ${name} with its 95 % interval; the table above has the numbers"
  ></sp-interval-chart>`;
}
