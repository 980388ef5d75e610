import { LitElement, css, html, nothing } from "lit";
import { customElement, property, queryAll } from "lit/decorators.js";
import { isSameWindow, type NamedWindow } from "../imaging/windows";
import { KEYS, zoomIn, zoomOut, type Tool, type View, type ViewEvent } from "../state/view";
import { shared } from "../styles/shared";
import { iconBar, iconButton, keyList, toolbar } from "./icon-bar";
import type { icons } from "./icons";
import { TabStop } from "./tab-stop";

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
    toolbar,
    css`
      select {
        flex: 1 1 8rem;
        min-width: 0;
        max-width: 14rem;
        padding: 0 var(--space-2);
      }
    `,
  ];

  @property({ attribute: false }) view!: View;
  @property({ attribute: false }) windows: readonly NamedWindow[] = [];
  @property({ attribute: false }) fullScreen = false;
  /** Whether the outline is being corrected. */
  @property({ attribute: false }) editing = false;
  @queryAll(".tools button") private buttons!: NodeListOf<HTMLButtonElement>;
  private readonly tabStop = new TabStop(() => this.buttons);

  protected override updated(): void {
    this.tabStop.update();
  }

  protected override render() {
    const { inverted } = this.view;
    return html`<div class="bar">
      <div class="tools" role="toolbar" aria-label="Image tools" @keydown=${this.tabStop.pressed} @focusin=${this.tabStop.focused}>
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
      ${this.presets()} ${keyList(KEYS)}
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

  private emit(detail: ViewEvent): void {
    this.dispatchEvent(new CustomEvent("view", { detail }));
  }
}
