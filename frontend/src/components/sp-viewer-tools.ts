import { LitElement, css, html, nothing } from "lit";
import { customElement, property, queryAll } from "lit/decorators.js";
import { clamp } from "../imaging/geometry";
import { isSameWindow, type NamedWindow } from "../imaging/windows";
import { KEYS, zoomIn, zoomOut, type Tool, type View, type ViewEvent } from "../state/view";
import { shared } from "../styles/shared";
import { iconBar, iconButton } from "./icon-bar";
import type { icons } from "./icons";

type ToolButton = readonly [tool: Tool, name: string, icon: keyof typeof icons];

const TOOLS: readonly ToolButton[] = [
  ["pan", "Drag to move the image", "move"],
  ["window", "Drag to change brightness and contrast", "contrast"],
  ["measure", "Drag to measure", "ruler"],
];

const OUTLINE: ToolButton = ["outline", "Drag points of the outline, or draw a new part", "pencil"];

/** The viewer's tools: one stop of the Tab key, then the arrow keys. Events: `view` with a ViewEvent, `full-screen`. */
@customElement("sp-viewer-tools")
export class ViewerTools extends LitElement {
  static override styles = [
    shared,
    iconBar,
    css`
      .bar {
        row-gap: var(--space-1);
      }
      .tools {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-1);
      }
      button {
        width: 2.25rem;
        height: 2.25rem;
      }
      .bar button:hover {
        background: var(--sunken);
      }
      .bar button[aria-pressed="true"] {
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
        padding: 0 var(--space-2);
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
    const { inverted } = this.view;
    return html`<div class="bar">
      <div class="tools" role="toolbar" aria-label="Image tools" @keydown=${this.pressed} @focusin=${this.focused}>
        ${this.editing ? this.tool(OUTLINE) : nothing}
        ${TOOLS.map((button) => this.tool(button))}
        ${iconButton("Zoom in", "zoomIn", () => this.emit(zoomIn))} ${iconButton("Zoom out", "zoomOut", () => this.emit(zoomOut))}
        ${iconButton("Invert black and white", "invert", () => this.emit({ type: "inverted" }), { pressed: inverted })}
        ${iconButton("Reset the view", "reset", () => this.emit({ type: "reset" }))}
        ${document.fullscreenEnabled
          ? iconButton("Full screen", "fullScreen", () => this.dispatchEvent(new CustomEvent("full-screen")), {
              pressed: this.fullScreen,
            })
          : nothing}
      </div>
      ${this.presets()}
      <details class="keys">
        <summary>Keyboard shortcuts</summary>
        <ul>${KEYS.map(([keys, does]) => html`<li><kbd>${keys}</kbd>: ${does}</li>`)}</ul>
      </details>
    </div>`;
  }

  private tool([tool, name, icon]: ToolButton) {
    return iconButton(name, icon, () => this.emit({ type: "tool-chosen", tool }), { pressed: this.view.tool === tool });
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
