import { LitElement, css, html, nothing } from "lit";
import { customElement, property, queryAll } from "lit/decorators.js";
import { clamp } from "../imaging/geometry";
import { isSameWindow, type NamedWindow } from "../imaging/windows";
import { KEYS, zoomIn, zoomOut, type Tool, type View, type ViewEvent } from "../state/view";
import { shared } from "../styles/shared";
import { icons } from "./icons";

const TOOLS: readonly (readonly [tool: Tool, name: string, icon: keyof typeof icons])[] = [
  ["pan", "Drag to move the image", "move"],
  ["window", "Drag to change brightness and contrast", "contrast"],
  ["measure", "Drag to measure", "ruler"],
];

const OUTLINE = ["Drag points of the outline, or draw a new part", "pencil"] as const;

/** The viewer's tools: one stop of the Tab key, then the arrow keys. Events: `view` with a ViewEvent, `full-screen`. */
@customElement("sp-viewer-tools")
export class ViewerTools extends LitElement {
  static override styles = [
    shared,
    css`
      .bar {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--space-1) var(--space-2);
      }
      .tools {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-1);
      }
      button {
        display: grid;
        place-items: center;
        width: 2.25rem;
        height: 2.25rem;
        padding: 0;
        border: 1px solid transparent;
        border-radius: var(--radius-small);
        background: transparent;
        color: var(--ink);
        font: inherit;
        cursor: pointer;
      }
      button:hover {
        background: var(--sunken);
      }
      button[aria-pressed="true"] {
        border-color: var(--accent);
        background: var(--accent-soft);
        color: var(--accent);
      }
      @media (pointer: coarse) {
        button {
          width: 2.75rem;
          height: 2.75rem;
        }
      }
      select {
        flex: 1 1 8rem;
        min-width: 0;
        max-width: 14rem;
        min-height: 2.25rem;
        padding: 0 var(--space-2);
        border: 1px solid var(--line-strong);
        border-radius: var(--radius-small);
        background: var(--surface);
        color: var(--ink);
        font: inherit;
        font-size: var(--text-small);
      }
      .keys {
        color: var(--ink-soft);
        font-size: var(--text-small);
      }
      .keys[open] {
        flex-basis: 100%;
      }
      summary {
        cursor: pointer;
      }
      kbd {
        color: var(--ink);
        font: inherit;
        font-weight: 600;
      }
    `,
  ];

  @property({ attribute: false }) view!: View;
  @property({ attribute: false }) windows: readonly NamedWindow[] = [];
  @property({ attribute: false }) fullScreen = false;
  /** Whether the outline is being corrected. */
  @property({ attribute: false }) editing = false;
  @queryAll(".tools button") private buttons!: NodeListOf<HTMLButtonElement>;
  /** The button that the Tab key reaches. */
  private stop = 0;

  protected override updated(): void {
    this.moveStop(this.stop);
  }

  protected override render() {
    const { tool, inverted } = this.view;
    return html`<div class="bar">
      <div class="tools" role="toolbar" aria-label="Image tools" @keydown=${this.pressed} @focusin=${this.focused}>
        ${this.editing ? this.button(...OUTLINE, () => this.emit({ type: "tool-chosen", tool: "outline" }), tool === "outline") : nothing}
        ${TOOLS.map(([name, text, icon]) =>
          this.button(text, icon, () => this.emit({ type: "tool-chosen", tool: name }), tool === name),
        )}
        ${this.button("Zoom in", "zoomIn", () => this.emit(zoomIn))} ${this.button("Zoom out", "zoomOut", () => this.emit(zoomOut))}
        ${this.button("Invert black and white", "invert", () => this.emit({ type: "inverted" }), inverted)}
        ${this.button("Reset the view", "reset", () => this.emit({ type: "reset" }))}
        ${document.fullscreenEnabled
          ? this.button("Full screen", "fullScreen", () => this.dispatchEvent(new CustomEvent("full-screen")), this.fullScreen)
          : nothing}
      </div>
      ${this.presets()}
      <details class="keys">
        <summary>Keyboard shortcuts</summary>
        <ul>${KEYS.map(([keys, does]) => html`<li><kbd>${keys}</kbd>: ${does}</li>`)}</ul>
      </details>
    </div>`;
  }

  private button(name: string, icon: keyof typeof icons, act: () => void, pressed?: boolean) {
    return html`<button
      type="button"
      aria-label=${name}
      title=${name}
      aria-pressed=${pressed === undefined ? nothing : String(pressed)}
      @click=${act}
    >
      ${icons[icon]}
    </button>`;
  }

  private presets() {
    const chosen = this.windows.findIndex((window) => isSameWindow(window, this.view.window));
    return html`<select aria-label="Brightness window" @change=${this.preset}>
      ${this.windows.map(({ name }, index) => html`<option value=${index} .selected=${index === chosen}>${name}</option>`)}
      <option value="-1" ?hidden=${chosen >= 0} .selected=${chosen < 0}>Your own</option>
    </select>`;
  }

  private preset({ target }: Event): void {
    const window = this.windows[Number((target as HTMLSelectElement).value)];
    if (window) this.emit({ type: "window-chosen", window });
  }

  private pressed(event: KeyboardEvent): void {
    const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    this.moveStop(clamp(this.stop + step, 0, this.buttons.length - 1));
    this.buttons[this.stop]?.focus();
  }

  private focused({ target }: Event): void {
    const button = (target as Element).closest("button");
    const index = [...this.buttons].findIndex((other) => other === button);
    if (index >= 0) this.moveStop(index);
  }

  private moveStop(stop: number): void {
    this.stop = stop;
    this.buttons.forEach((button, index) => (button.tabIndex = index === stop ? 0 : -1));
  }

  private emit(detail: ViewEvent): void {
    this.dispatchEvent(new CustomEvent("view", { detail }));
  }
}
