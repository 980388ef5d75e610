import { LitElement, css, html, svg } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Interval } from "../state/results";
import { shared } from "../styles/shared";

export interface Estimate {
  value: number;
  interval: Interval | null;
}

/** A figure of many networks, each with its interval: one line a network, one mark a protocol. The table beside it has
 * the numbers, so the chart is one picture to a screen reader. */
@customElement("sp-interval-chart")
export class IntervalChart extends LitElement {
  static override styles = [
    shared,
    css`
      .row,
      .axis {
        display: grid;
        grid-template-columns: minmax(6rem, 11rem) minmax(0, 1fr);
        align-items: center;
        gap: var(--space-3);
      }
      .row + .row {
        margin-top: var(--space-1);
      }
      .name {
        overflow-wrap: anywhere;
      }
      svg {
        display: block;
        width: 100%;
        height: 1.75rem;
        background: var(--sunken);
        border-radius: var(--radius-small);
        overflow: visible;
      }
      line {
        stroke-width: 2;
        vector-effect: non-scaling-stroke;
      }
      .chance {
        stroke: var(--line-strong);
        stroke-width: 1;
        stroke-dasharray: 2 3;
      }
      .tone-0 {
        stroke: var(--accent);
      }
      .tone-1 {
        stroke: var(--warning);
      }
      .mark {
        stroke-width: 9;
        stroke-linecap: round;
      }
      .tone-1.mark {
        stroke-linecap: square;
      }
      .numbers {
        display: flex;
        justify-content: space-between;
        font-variant-numeric: tabular-nums;
      }
      .legend {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-1) var(--space-4);
        margin-top: var(--space-3);
      }
      .legend li {
        display: flex;
        align-items: center;
        gap: var(--space-2);
      }
      .legend svg {
        width: 1.5rem;
        height: 1rem;
        background: none;
      }
    `,
  ];

  /** For each network one estimate a protocol, in the protocols' order; null where there is none. */
  @property({ attribute: false }) rows: { name: string; estimates: (Estimate | null)[] }[] = [];
  /** What the marks mean, in the order of the estimates. */
  @property({ attribute: false }) protocols: string[] = [];
  @property({ attribute: false }) range: [low: number, high: number] = [0, 1];
  @property() label = "";

  protected override render() {
    const [low, high] = this.range;
    const middle = (low + high) / 2;
    return html`<div role="img" aria-label=${this.label}>
        ${this.rows.map(
          ({ name, estimates }) => html`<div class="row">
            <span class="name small">${name}</span>
            <svg viewBox="0 0 100 28" preserveAspectRatio="none" aria-hidden="true">
              ${svg`<line class="chance" x1=${this.across(0.5)} x2=${this.across(0.5)} y1="0" y2="28" />`}
              ${estimates.map((estimate, place) => (estimate ? this.estimate(estimate, place) : svg``))}
            </svg>
          </div>`,
        )}
        <div class="axis small soft">
          <span></span>
          <span class="numbers"><span>${low}</span><span>${middle}</span><span>${high}</span></span>
        </div>
      </div>
      <ul class="legend small soft">
        ${this.protocols.map(
          (protocol, place) => html`<li>
            <svg viewBox="0 0 24 16" aria-hidden="true">
              ${svg`<line class="tone-${place % 2}" x1="0" x2="24" y1="8" y2="8" />
                <line class="tone-${place % 2} mark" x1="12" x2="12.01" y1="8" y2="8" />`}
            </svg>
            ${protocol}
          </li>`,
        )}
        <li>The dotted line is chance; a bar is the 95 % interval</li>
      </ul>`;
  }

  private estimate({ value, interval }: Estimate, place: number) {
    const height = this.protocols.length > 1 ? 8 + (12 * place) / (this.protocols.length - 1) : 14;
    const [low, high] = interval ?? [value, value];
    // A line of no length has round ends at any width of the page; a circle would be stretched with it.
    return svg`<line class="tone-${place % 2}" x1=${this.across(low)} x2=${this.across(high)} y1=${height} y2=${height} />
      <line class="tone-${place % 2} mark" x1=${this.across(value)} x2=${this.across(value) + 0.01} y1=${height} y2=${height} />`;
  }

  private across(value: number): number {
    const [low, high] = this.range;
    return Math.round(Math.min(1, Math.max(0, (value - low) / (high - low))) * 1000) / 10;
  }
}
