import { LitElement, css, html, nothing, svg } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Line, Point } from "../state/results";
import { shared } from "../styles/shared";

const WIDTH = 320;
const HEIGHT = 220;
const EDGE = { left: 52, right: 16, top: 8, bottom: 36 };
const STEPS = 4;

/** Lines over two axes. What they show in words is in `label`; lines differ in dashes as well as in colour. */
@customElement("sp-line-chart")
export class LineChart extends LitElement {
  static override styles = [
    shared,
    css`
      svg {
        display: block;
        width: 100%;
        height: auto;
      }
      text {
        fill: var(--ink-soft);
        font: 11px var(--font);
        font-variant-numeric: tabular-nums;
      }
      .grid {
        stroke: var(--line);
      }
      .reference {
        stroke: var(--line-strong);
        stroke-dasharray: 2 4;
      }
      .line {
        fill: none;
        stroke: var(--tone);
        stroke-width: 2;
        stroke-linejoin: round;
      }
      circle {
        fill: var(--tone);
      }
      .tone-0 {
        --tone: var(--accent);
      }
      .tone-1 {
        --tone: var(--warning);
        stroke-dasharray: 7 3;
      }
      .tone-2 {
        --tone: var(--info);
        stroke-dasharray: 2 3;
      }
      .tone-3 {
        --tone: var(--danger);
        stroke-dasharray: 9 3 2 3;
      }
      ul {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-1) var(--space-4);
      }
      li {
        display: flex;
        align-items: center;
        gap: var(--space-2);
      }
      li svg {
        width: 2rem;
        height: 0.5rem;
      }
    `,
  ];

  @property({ attribute: false }) lines: Line[] = [];
  @property({ attribute: false }) x: [low: number, high: number] = [0, 1];
  @property({ attribute: false }) y: [low: number, high: number] = [0, 1];
  @property({ attribute: "x-title" }) xTitle = "";
  @property({ attribute: "y-title" }) yTitle = "";
  @property() label = "";
  /** Draws the line on which both axes agree. */
  @property({ type: Boolean }) diagonal = false;
  @property({ type: Boolean }) dots = false;

  protected override render() {
    return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label=${this.label}>
        ${this.axes()} ${this.diagonal ? this.reference() : nothing} ${this.lines.map((line, place) => this.line(line, place))}
      </svg>
      ${this.lines.length > 1 ? legend(this.lines) : nothing}`;
  }

  private axes() {
    const [left, bottom] = this.place([this.x[0], this.y[0]]);
    const right = WIDTH - EDGE.right;
    return svg`
      ${ticks(this.y).map((value) => {
        const height = this.place([this.x[0], value])[1];
        return svg`<line class="grid" x1=${left} x2=${right} y1=${height} y2=${height} />
          <text x=${left - 6} y=${height + 4} text-anchor="end">${short(value, this.y)}</text>`;
      })}
      ${ticks(this.x).map(
        (value) => svg`<text x=${this.place([value, 0])[0]} y=${bottom + 15} text-anchor="middle">${short(value, this.x)}</text>`,
      )}
      <text x=${(left + right) / 2} y=${HEIGHT - 5} text-anchor="middle">${this.xTitle}</text>
      <text transform="translate(10 ${(EDGE.top + bottom) / 2}) rotate(-90)" text-anchor="middle">${this.yTitle}</text>`;
  }

  private reference() {
    const [[x1, y1], [x2, y2]] = [this.place([0, 0]), this.place([1, 1])];
    return svg`<line class="reference" x1=${x1} y1=${y1} x2=${x2} y2=${y2} />`;
  }

  private line({ points }: Line, place: number) {
    const placed = points.map((point) => this.place(point));
    return svg`<polyline class="line tone-${place % 4}" points=${placed.map((point) => point.join(",")).join(" ")} />
      ${this.dots ? placed.map(([x, y]) => svg`<circle class="tone-${place % 4}" cx=${x} cy=${y} r="3" />`) : nothing}`;
  }

  private place([x, y]: Point): Point {
    const share = (value: number, [low, high]: [number, number]) => (value - low) / (high - low || 1);
    const across = EDGE.left + share(x, this.x) * (WIDTH - EDGE.left - EDGE.right);
    const down = HEIGHT - EDGE.bottom - share(y, this.y) * (HEIGHT - EDGE.top - EDGE.bottom);
    return [round(across), round(down)];
  }
}

const round = (value: number): number => Math.round(value * 10) / 10;

function ticks([low, high]: [number, number]): number[] {
  return Array.from({ length: STEPS + 1 }, (_, step) => low + ((high - low) * step) / STEPS);
}

/** Whole numbers where the axis is long, two digits where it is short. */
const short = (value: number, [low, high]: [number, number]): string => value.toFixed(high - low > STEPS ? 0 : 2);

function legend(lines: Line[]) {
  return html`<ul class="small soft">
    ${lines.map(
      ({ name }, place) => html`<li>
        <svg viewBox="0 0 32 8" aria-hidden="true">${svg`<line class="line tone-${place % 4}" x2="32" y1="4" y2="4" />`}</svg>
        ${name}
      </li>`,
    )}
  </ul>`;
}
