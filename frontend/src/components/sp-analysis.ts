import { LitElement, css, html, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { announce } from "../accessibility";
import { api } from "../api/client";
import type { Analysis, AnalysisStep } from "../api/types";
import { figure } from "../format";
import { disclosure } from "../styles/disclosure";
import { shared } from "../styles/shared";
import { tables } from "../styles/tables";
import { LoadController } from "./load-controller";
import { loadNotice } from "./load-notice";

/** How an image was analysed, step by step: pictures with captions, then the figures. Closed, and loaded when opened. */
@customElement("sp-analysis")
export class AnalysisPanel extends LitElement {
  static override styles = [
    shared,
    tables,
    disclosure,
    css`
      summary {
        gap: var(--space-3);
      }
      summary:hover h2 {
        text-decoration: underline;
        text-decoration-thickness: 1px;
        text-underline-offset: 0.15em;
      }
      .content {
        padding-top: var(--space-4);
      }
      .content > p {
        max-width: 46rem;
        text-wrap: pretty;
      }
      ol {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr));
        gap: var(--space-5) var(--space-4);
        counter-reset: step;
      }
      li {
        counter-increment: step;
      }
      .stage {
        display: grid;
        aspect-ratio: 1;
        border-radius: var(--radius-small);
        background: var(--viewer);
        overflow: hidden;
      }
      img {
        width: 100%;
        height: 100%;
        min-height: 0;
        object-fit: contain;
      }
      figcaption {
        margin-top: var(--space-2);
      }
      figcaption h3::before {
        content: counter(step) ". ";
        color: var(--ink-soft);
        font-weight: 400;
      }
      table {
        width: 100%;
      }
      caption {
        padding-bottom: var(--space-2);
        font-size: var(--text-h3);
        font-weight: 650;
        text-align: left;
      }
      tbody th {
        font-weight: 400;
      }
      thead th,
      tbody th[colspan] {
        color: var(--ink-soft);
        font-weight: 600;
      }
      tbody th[colspan] {
        padding-top: var(--space-4);
      }
      td:nth-child(2) {
        font-variant-numeric: tabular-nums;
      }
      @media (max-width: 36rem) {
        ol {
          grid-template-columns: minmax(0, 1fr);
        }
        th,
        td {
          padding-right: var(--space-3);
        }
        td:last-child {
          padding-right: 0;
        }
      }
    `,
  ];

  @property() cid = "";
  @state() private open = false;
  private readonly loading = new LoadController<Analysis>(this);

  protected override willUpdate(changed: PropertyValues<this>): void {
    const { cid } = this;
    if (changed.has("cid")) this.open = false;
    if (this.open) this.loading.show(cid, () => this.load(cid));
  }

  protected override render() {
    return html`<details data-testid="analysis" .open=${this.open} @toggle=${this.toggled}>
      <summary><h2>How the image was analysed</h2></summary>
      ${this.open ? html`<div class="content stack">${this.content()}</div>` : nothing}
    </details>`;
  }

  private content() {
    const { value, problem } = this.loading;
    if (problem) return loadNotice(this.loading);
    if (!value) return html`<p class="busy" role="status"><span class="spinner"></span>Analysing the pinned bytes …</p>`;
    if (value.steps.length === 0) return html`<p>There is nothing to show for this image.</p>`;
    return html`<p>
        Image processing without a model, on the pinned bytes. It does not affect the result. The outline in the last
        step comes from a threshold and is not a diagnosis.
      </p>
      <ol>
        ${value.steps.map(picture)}
      </ol>
      <table>
        <caption>
          Figures
        </caption>
        <thead>
          <tr>
            <th scope="col">Figure</th>
            <th scope="col">Value</th>
            <th scope="col">What it means</th>
          </tr>
        </thead>
        ${value.steps.filter(({ figures }) => figures.length > 0).map(figures)}
      </table>`;
  }

  private toggled({ target }: Event): void {
    this.open = (target as HTMLDetailsElement).open;
  }

  private async load(cid: string): Promise<Analysis> {
    const analysis = await api.analysis(cid);
    announce(`The image was analysed in ${analysis.steps.length} steps`);
    return analysis;
  }
}

function picture({ title, explanation, picture, width, height }: AnalysisStep) {
  return html`<li>
    <figure data-testid="analysis-step">
      <div class="stage">
        <img src=${picture} width=${width} height=${height} alt="Picture of the step “${title}”" />
      </div>
      <figcaption>
        <h3>${title}</h3>
        <p class="small soft">${explanation}</p>
      </figcaption>
    </figure>
  </li>`;
}

function figures({ title, figures }: AnalysisStep) {
  return html`<tbody>
    <tr>
      <th colspan="3" scope="rowgroup">${title}</th>
    </tr>
    ${figures.map(
      ({ title, value, unit, explanation }) => html`<tr data-testid="analysis-figure">
        <th scope="row">${title}</th>
        <td>${figure(value, unit)}</td>
        <td>${explanation}</td>
      </tr>`,
    )}
  </tbody>`;
}
