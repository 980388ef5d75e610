import { LitElement, css, html, nothing, svg, type PropertyValues } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { Outline } from "../api/types";
import { shared } from "../styles/shared";

/** An image on black, as radiologists look at it, with the activation map and a tumour's outline laid over it. */
@customElement("sp-viewer")
export class Viewer extends LitElement {
  static override styles = [
    shared,
    css`
      .stage {
        display: grid;
        aspect-ratio: 1;
        max-height: 32rem;
        width: 100%;
        border-radius: var(--radius-small);
        background: var(--viewer);
        overflow: hidden;
      }
      img,
      svg,
      .none {
        grid-area: 1 / 1;
        width: 100%;
        height: 100%;
        min-height: 0;
        object-fit: contain;
      }
      .none {
        display: grid;
        place-items: center;
        padding: var(--space-5);
        color: #c3d0d6;
        text-align: center;
      }
      .flag {
        grid-area: 1 / 1;
        place-self: start;
        z-index: 1;
        margin: var(--space-3);
        padding: var(--space-1) var(--space-3);
        border-radius: var(--radius-small);
        background: var(--danger-soft);
        color: var(--danger);
        font-weight: 650;
      }
      path {
        fill: none;
        vector-effect: non-scaling-stroke;
      }
      /* A dark edge under the line: it stands out on bright tissue as on dark. */
      .edge {
        stroke: var(--viewer);
        stroke-width: 4;
      }
      .line {
        stroke: var(--outline);
        stroke-width: 2;
      }
      .controls {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--space-2) var(--space-4);
        margin-top: var(--space-3);
      }
      .map {
        display: flex;
        flex: 1 1 20rem;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--space-2) var(--space-4);
      }
      label {
        display: inline-flex;
        align-items: center;
        gap: var(--space-2);
        min-height: 1.75rem;
      }
      input {
        accent-color: var(--accent);
      }
      input[type="checkbox"] {
        width: 1.125rem;
        height: 1.125rem;
        margin: 0;
      }
      input[type="range"] {
        flex: 1;
        min-width: 8rem;
      }
    `,
  ];

  @property() src = "";
  @property() alt = "";
  /** A data: URI of a PNG with transparency, of the same proportions as the image. */
  @property() overlay: string | null = null;
  /** Contours in pixels of the image, which is `size` large. */
  @property({ attribute: false }) contours: Outline["contours"] = [];
  @property({ attribute: false }) size: { width: number; height: number } = { width: 1, height: 1 };
  /** A warning, shown over the image. */
  @property() flag: string | null = null;
  @state() private shown = true;
  @state() private outlined = true;
  @state() private opacity = 60;
  @state() private broken = false;
  @query(".overlay") private layer!: HTMLImageElement | null;

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("src")) this.broken = false;
  }

  protected override updated(): void {
    // Through the object model: the Content-Security-Policy forbids style attributes.
    this.layer?.style.setProperty("opacity", String(this.opacity / 100));
  }

  protected override render() {
    return html`<figure>
      <div class="stage">
        ${this.broken
          ? html`<p class="none">This browser cannot show this type of image. ScanProof can still use it.</p>`
          : html`<img src=${this.src} alt=${this.alt} @error=${this.failed} />`}
        ${this.overlay && this.shown
          ? html`<img class="overlay" src=${this.overlay} alt="Activation map: where the model looked for its answer" />`
          : nothing}
        ${this.contours.length > 0 && this.outlined ? this.outline() : nothing}
        ${this.flag ? html`<p class="flag" data-testid="flag">${this.flag}</p>` : nothing}
      </div>
      ${this.overlay || this.contours.length > 0
        ? html`<div class="controls">
            ${this.overlay ? this.mapControls() : nothing} ${this.contours.length > 0 ? this.outlineControl() : nothing}
          </div>`
        : nothing}
    </figure>`;
  }

  private outline() {
    const { width, height } = this.size;
    const path = this.contours.map((points) => `M${points.map(([x, y]) => `${x} ${y}`).join("L")}Z`).join("");
    return html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Outline: where the model sees a tumour" data-testid="outline">
      ${svg`<path class="edge" d=${path} /><path class="line" d=${path} />`}
    </svg>`;
  }

  private outlineControl() {
    return html`<label>
      <input
        type="checkbox"
        .checked=${this.outlined}
        @change=${this.outlineToggled}
      />
      Show the tumour outline
    </label>`;
  }

  private mapControls() {
    return html`<div class="map">
      <label>
        <input type="checkbox" .checked=${this.shown} @change=${this.toggled} />
        Show the activation map
      </label>
      <input
        type="range"
        min="10"
        max="100"
        step="5"
        aria-label="Opacity of the activation map"
        aria-valuetext="${this.opacity} percent"
        .value=${String(this.opacity)}
        ?disabled=${!this.shown}
        @input=${this.slid}
      />
    </div>`;
  }

  private failed(): void {
    this.broken = true;
  }

  private outlineToggled({ target }: Event): void {
    this.outlined = (target as HTMLInputElement).checked;
  }

  private toggled({ target }: Event): void {
    this.shown = (target as HTMLInputElement).checked;
  }

  private slid({ target }: Event): void {
    this.opacity = Number((target as HTMLInputElement).value);
  }
}
