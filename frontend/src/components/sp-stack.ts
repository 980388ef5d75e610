import { LitElement, css, html, nothing, type PropertyValues } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { clamp } from "../imaging/geometry";
import { slices, type Slice } from "../imaging/slices";
import type { Contour } from "../state/outline-edit";
import { shared } from "../styles/shared";
import { iconBar, iconButton } from "./icon-bar";
import "./sp-thumbnail";
import "./sp-viewer";
import type { Viewer } from "./sp-viewer";

/** Of a wheel, in CSS pixels for one slice. */
const WHEEL_STEP = 60;
/** Slices that are decoded ahead. */
const AHEAD = 3;
const SPEEDS = [5, 10, 20] as const;

/**
 * A stack of slices in one viewer: scrolled by wheel, keys and slider, played, with a strip of thumbnails and results.
 * One file with several frames is a stack too. Events `slice` with the index, `outline` as of sp-viewer.
 */
@customElement("sp-stack")
export class Stack extends LitElement {
  static override styles = [
    shared,
    iconBar,
    css`
      .bar {
        margin-top: var(--space-2);
      }
      .bar button {
        width: 2.75rem;
        height: 2.75rem;
        border-color: var(--line-strong);
        background: var(--surface);
      }
      .bar button:disabled {
        border-color: var(--line);
        color: var(--ink-soft);
        cursor: not-allowed;
      }
      .bar input {
        flex: 1 1 8rem;
        min-width: 6rem;
        accent-color: var(--accent);
      }
      output {
        font-size: var(--text-small);
        font-variant-numeric: tabular-nums;
      }
      ol {
        display: flex;
        gap: var(--space-2);
        margin-top: var(--space-2);
        padding: var(--space-1);
        overflow-x: auto;
      }
      li button {
        display: grid;
        gap: 0.125rem;
        width: 4.375rem;
        padding: 0.125rem;
        border: 2px solid transparent;
        border-radius: var(--radius-small);
        background: transparent;
        color: var(--ink-soft);
        font: inherit;
        font-size: 0.75rem;
        line-height: 1.2;
        text-align: left;
        overflow-wrap: anywhere;
        cursor: pointer;
      }
      li button[aria-current="true"] {
        border-color: var(--accent);
        color: var(--ink);
      }
      .notable {
        color: var(--warning);
        font-weight: 650;
      }
    `,
  ];

  @property({ attribute: false }) slices: Slice[] = [];
  @property({ attribute: false }) index = 0;
  /** Whether thumbnails are shown: not where a list of the slices is beside it. */
  @property({ attribute: false }) strip = true;
  /** Whether the outline of the shown slice can be corrected. */
  @property({ attribute: false }) editable = false;
  /** The slices, or the frames of the only one. */
  @state() private all: Slice[] = [];
  @state() private playing = false;
  @state() private speed: number = SPEEDS[1];
  @query("[aria-current=true]") private current!: HTMLElement | null;
  @query("sp-viewer") private viewer!: Viewer | null;
  /** Of the only file. */
  private frames = 1;
  private timer = 0;
  private turned = 0;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.stop();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("slices")) return;
    // What is said of a file may change, its frames do not.
    if (this.slices[0]?.file !== changed.get("slices")?.[0]?.file) this.frames = 1;
    this.all = this.list();
    this.index = clamp(this.index, 0, Math.max(this.all.length - 1, 0));
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (!changed.has("index")) return;
    this.current?.scrollIntoView({ block: "nearest", inline: "nearest" });
    for (const ahead of this.all.slice(this.index + 1, this.index + 1 + AHEAD)) slices.load(ahead).catch(() => undefined);
  }

  protected override render() {
    const { all } = this;
    const slice = all[this.index];
    if (!slice) return nothing;
    return html`<div @wheel=${this.wheel} @keydown=${this.key}>
      <sp-viewer
        .file=${slice.file ?? null}
        .src=${slice.src ?? ""}
        .frame=${slice.frame ?? 0}
        .alt=${slice.alt}
        .overlay=${slice.overlay ?? null}
        .contours=${slice.contours ?? []}
        .size=${slice.size ?? null}
        ?text-places=${slice.textPlaces ?? false}
        .editable=${this.editable}
        outline-name=${slice.outlineName ?? nothing}
        series="stack"
        @outline=${({ detail }: CustomEvent<Contour[] | null>) => this.dispatchEvent(new CustomEvent("outline", { detail }))}
        @frames=${this.counted}
      >
        ${all.length > 1 ? html`<div slot="below">${this.controls(all)} ${this.strip ? this.thumbnails(all) : nothing}</div>` : nothing}
      </sp-viewer>
    </div>`;
  }

  private controls(all: Slice[]) {
    const { index } = this;
    const slice = all[index];
    const place = `Slice ${index + 1} of ${all.length}`;
    return html`<div class="bar" role="group" aria-label="Slices">
      ${iconButton("Previous slice", "previous", () => this.go(index - 1), { disabled: index === 0 })}
      ${iconButton(this.playing ? "Stop" : "Play the slices", this.playing ? "pause" : "play", () => this.toggle())}
      ${iconButton("Next slice", "next", () => this.go(index + 1), { disabled: index === all.length - 1 })}
      <input
        type="range"
        min="1"
        max=${all.length}
        aria-label="Slice"
        aria-valuetext=${slice?.result ? `${place}: ${slice.result}` : place}
        .value=${String(index + 1)}
        @input=${({ target }: Event) => this.go(Number((target as HTMLInputElement).value) - 1)}
      />
      <output data-testid="stack-place">${place}</output>
      <select aria-label="Slices a second" @change=${({ target }: Event) => this.play(Number((target as HTMLSelectElement).value))}>
        ${SPEEDS.map((speed) => html`<option value=${speed} ?selected=${speed === this.speed}>${speed} a second</option>`)}
      </select>
    </div>`;
  }

  private thumbnails(all: Slice[]) {
    return html`<ol aria-label="All slices">
      ${all.map(
        (slice, index) => html`<li>
          <button
            type="button"
            aria-label=${slice.result ? `Slice ${index + 1}: ${slice.result}` : `Slice ${index + 1}`}
            aria-current=${String(index === this.index)}
            tabindex=${index === this.index ? 0 : -1}
            @click=${() => this.go(index)}
          >
            <sp-thumbnail .slice=${slice}></sp-thumbnail>
            <span>${index + 1}</span>
            ${slice.result ? html`<span class=${slice.notable ? "notable" : ""}>${slice.result}</span>` : nothing}
          </button>
        </li>`,
      )}
    </ol>`;
  }

  private list(): Slice[] {
    const [only] = this.slices;
    if (this.slices.length !== 1 || !only || this.frames === 1) return this.slices;
    return Array.from({ length: this.frames }, (_, frame) => ({ ...only, frame, alt: `${only.alt}, frame ${frame + 1}` }));
  }

  private counted({ detail }: CustomEvent<number>): void {
    this.frames = detail;
    this.all = this.list();
  }

  private go(index: number): void {
    const next = clamp(index, 0, this.all.length - 1);
    if (next === this.index) return;
    this.index = next;
    this.dispatchEvent(new CustomEvent("slice", { detail: next }));
  }

  private toggle(): void {
    if (this.playing) this.stop();
    else this.play(this.speed);
  }

  private play(speed: number): void {
    const again = this.playing || speed === this.speed;
    this.stop();
    this.speed = speed;
    if (!again) return;
    this.playing = true;
    this.timer = window.setInterval(() => this.advance(), 1000 / speed);
  }

  private stop(): void {
    window.clearInterval(this.timer);
    this.playing = false;
  }

  /** Not before the present one is drawn; after the last comes the first. */
  private advance(): void {
    if (this.viewer?.ready) this.go(this.index + 1 < this.all.length ? this.index + 1 : 0);
  }

  /** Before the viewer, which would zoom. */
  private readonly wheel = {
    capture: true,
    handleEvent: (event: WheelEvent): void => {
      if (event.ctrlKey || this.all.length < 2 || !this.viewer?.active) return;
      event.preventDefault();
      event.stopPropagation();
      this.turned += event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 20 : 1);
      const steps = Math.trunc(this.turned / WHEEL_STEP);
      this.turned -= steps * WHEEL_STEP;
      this.go(this.index + steps);
    },
  };

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey || !this.viewer?.active) return;
    const keys: Record<string, () => void> = {
      PageUp: () => this.go(this.index - 1),
      PageDown: () => this.go(this.index + 1),
      Home: () => this.go(0),
      End: () => this.go(this.all.length - 1),
      " ": () => this.toggle(),
    };
    const act = this.all.length > 1 ? keys[event.key] : undefined;
    if (!act) return;
    event.preventDefault();
    act();
  }
}
