import { LitElement, css, html, nothing } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { shared } from "../styles/shared";
import { LoadController } from "./load-controller";

/** A chosen slide before it is sent: its smallest picture, where the browser decodes it. */
@customElement("sp-slide-preview")
export class SlidePreview extends LitElement {
  static override styles = [
    shared,
    css`
      .stage {
        display: grid;
        place-items: center;
        aspect-ratio: 1;
        max-height: var(--stage-height, 32rem);
        border-radius: var(--radius-small);
        background: var(--viewer);
        color: #c3d0d6;
        text-align: center;
        overflow: hidden;
      }
      canvas {
        width: 100%;
        height: 100%;
        min-height: 0;
        object-fit: contain;
      }
      p {
        padding: var(--space-4);
      }
    `,
  ];

  /** Without identifiers. */
  @property({ attribute: false }) file!: File;
  @query("canvas") private canvas!: HTMLCanvasElement | null;
  private readonly loading = new LoadController<{ picture: OffscreenCanvas | null }>(this);
  private key = 0;
  private loaded: File | null = null;

  protected override willUpdate(): void {
    if (this.file === this.loaded) return;
    this.loaded = this.file;
    this.key += 1;
    this.loading.show(String(this.key), async () => {
      const { previewOf } = await import("../slides/preview");
      return { picture: await previewOf(this.file) };
    });
  }

  protected override updated(): void {
    const picture = this.loading.value?.picture;
    if (picture) this.canvas?.getContext("2d")?.drawImage(picture, 0, 0);
  }

  protected override render() {
    const { value, problem } = this.loading;
    if (value?.picture) {
      const { width, height } = value.picture;
      return html`<div class="stage">
        <canvas role="img" aria-label="Preview of the chosen slide" width=${width} height=${height}></canvas>
      </div>`;
    }
    const waiting = !value && !problem;
    return html`<div class="stage">
      <p class=${waiting ? "busy" : ""}>
        ${waiting ? html`<span class="spinner"></span>Reading the slide …` : nothing}
        ${waiting ? nothing : "The slide is shown once it is pinned: this browser cannot decode its tiles."}
      </p>
    </div>`;
  }
}
