import { LitElement, css, html } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { fitScale } from "../imaging/geometry";
import { slices, type Slice } from "../imaging/slices";

const SIDE = 64;

/** A slice as small as a stamp, decoded once it comes into sight. */
@customElement("sp-thumbnail")
export class Thumbnail extends LitElement {
  static override styles = css`
    :host {
      display: block;
    }
    canvas {
      display: block;
      width: var(--side, 4rem);
      height: var(--side, 4rem);
      background: var(--viewer);
    }
  `;

  @property({ attribute: false }) slice!: Slice;
  @query("canvas") private canvas!: HTMLCanvasElement | null;
  private drawn = "";
  private visible = false;
  private readonly sight = new IntersectionObserver((entries) => {
    this.visible = entries.some(({ isIntersecting }) => isIntersecting);
    if (this.visible) void this.draw();
  });

  override connectedCallback(): void {
    super.connectedCallback();
    this.sight.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.sight.disconnect();
  }

  protected override updated(): void {
    if (this.visible) void this.draw();
  }

  protected override render() {
    return html`<canvas width=${SIDE} height=${SIDE} aria-hidden="true"></canvas>`;
  }

  /** A slice that cannot be decoded stays black; the stack says why when it is chosen. */
  private async draw(): Promise<void> {
    const key = slices.key(this.slice);
    if (key === this.drawn) return;
    this.drawn = key;
    const drawing = await slices.load(this.slice).catch(() => null);
    const context = this.canvas?.getContext("2d");
    if (!drawing || !context || key !== this.drawn) return;
    const { width, height } = drawing.canvas;
    const whole = new OffscreenCanvas(width, height);
    const source = whole.getContext("2d");
    if (!source) return;
    drawing.draw(source, drawing.windows[0], false);
    const scale = fitScale({ width: SIDE, height: SIDE }, drawing.canvas);
    context.clearRect(0, 0, SIDE, SIDE);
    context.drawImage(whole, (SIDE - width * scale) / 2, (SIDE - height * scale) / 2, width * scale, height * scale);
  }
}
