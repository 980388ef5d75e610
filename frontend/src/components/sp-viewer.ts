import { LitElement, html, nothing, svg, type PropertyValues } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { announce } from "../accessibility";
import type { Outline } from "../api/types";
import { figure, length, whole } from "../format";
import { api } from "../api/client";
import { loadFile, type Drawing } from "../imaging/drawing";
import { storedMediaType } from "../imaging/formats";
import { distance, enclosedArea, fitScale, roundLength, type Point, type Size } from "../imaging/geometry";
import { slices } from "../imaging/slices";
import { BYTES, isSameWindow, PICTURE_WINDOWS } from "../imaging/windows";
import { initialView, pixelAt, reduceView, type Scene, type View, type ViewEvent } from "../state/view";
import { shared } from "../styles/shared";
import { FullScreen } from "./full-screen";
import { Gestures } from "./gestures";
import { LoadController } from "./load-controller";
import { OutlineEditor } from "./outline-editor";
import "./sp-viewer-tools";
import { viewerStyles } from "./viewer-styles";

/** CSS pixels for one pixel of the image, from which on pixels are shown as squares. */
const ENLARGED = 2;
/** Of the bar of known length, in widths of the stage. */
const LONGEST_SCALE = 0.25;
const MAX_LINES = 20;
/** CSS pixels from a point or an edge that still mean it. */
const REACH = 12;
/** In CSS pixels: a click is no line. */
const SHORTEST_LINE = 4;
/** What has better answers with all bits of a value. */
const VALUE_EVENTS: readonly ViewEvent["type"][] = ["windowed", "window-chosen", "tool-chosen"];
const NO_SCENE: Pick<Scene, "range" | "windows"> = { range: BYTES, windows: PICTURE_WINDOWS };

interface Line {
  from: Point;
  to: Point;
}

/**
 * An image on black, as radiologists look at it: moved, enlarged, inverted, with another window, with lengths; the
 * activation map and a tumour's outline are layers over it.
 */
@customElement("sp-viewer")
export class Viewer extends LitElement {
  static override styles = [shared, viewerStyles];

  /** A picture as the models see it. */
  @property() src = "";
  @property() alt = "";
  /** The image's pinned file: its values take the picture's place, of a PNG once brightness or lengths are asked for. */
  @property({ attribute: false }) stored: { cid: string; mediaType: string } | null = null;
  /** In place of its address: a picture, a DICOM file or a 16-bit PNG. */
  @property({ attribute: false }) file: Blob | null = null;
  /** Of the file. */
  @property({ attribute: false }) frame = 0;
  /** A data: URI of a PNG with transparency, of the same proportions as the image. */
  @property() overlay: string | null = null;
  /** As long as it stays the same, another image keeps the view, and the former one is shown until it is loaded. */
  @property() series: string | null = null;
  /** The view of another viewer, which this one follows in all but the window. Event `view-changed` with its own. */
  @property({ attribute: false }) linked: View | null = null;
  /** Contours in pixels of the image, which is `size` large; null for the picture's own size. */
  @property({ attribute: false }) contours: Outline["contours"] = [];
  @property({ attribute: false }) size: Size | null = null;
  /** Whether the contours are places of text, and no outline of a tumour. */
  @property({ type: Boolean, attribute: "text-places" }) textPlaces = false;
  /** Whether the outline can be corrected: event `outline` with the contours, or null for the model's own. */
  @property({ attribute: false }) editable = false;
  /** Whose outline it is, for a screen reader. */
  @property({ attribute: "outline-name" }) outlineName = "Outline: where the model sees a tumour";
  /** A warning, shown over the image. */
  @property() flag: string | null = null;
  @state() private view: View = initialView(NO_SCENE);
  @state() private stageSize: Size = { width: 1, height: 1 };
  @state() private lines: Line[] = [];
  @state() private drawnLine: Line | null = null;
  @state() private shown = true;
  @state() private outlined = true;
  @state() private opacity = 60;
  @query("figure") private figure!: HTMLElement | null;
  @query(".stage") private stage!: HTMLElement | null;
  @query(".world") private world!: HTMLElement | null;
  @query(".overlay") private layer!: HTMLImageElement | null;
  @query(".scale") private bar!: HTMLElement | null;
  @query("canvas") private canvas!: HTMLCanvasElement | null;
  private readonly loading = new LoadController<Drawing>(this);
  private readonly values = new LoadController<Drawing>(this);
  /** Whether the values of a PNG are of use: the browser has the high bytes of one with 16 bits. */
  private wantsValues = false;
  private readonly sizes = new ResizeObserver(() => this.measureStage());
  private readonly editor = new OutlineEditor(this, () => this.space);
  private readonly fullScreen: FullScreen = new FullScreen(this, () => this.figure, () => this.stage?.focus());
  private readonly gestures = new Gestures({
    stage: () => this.stage,
    tool: () => this.view.tool,
    act: (event) => this.act(event),
    draw: (from, to, phase) => {
      if (this.view.tool === "outline") this.editor.drag(this.inContours(to), phase, (REACH / this.scale) * this.contourScale);
      else this.measure(from, to, phase === "finished");
    },
    key: (event) => this.view.tool === "outline" && this.editor.key(event),
    fullScreen: () => this.fullScreen.toggle(),
  });
  private drawing: Drawing | null = null;
  /** What the canvas shows now. */
  private drawn: Pick<View, "window" | "inverted"> & { drawing: Drawing } | null = null;

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("src") || changed.has("file") || changed.has("frame")) {
      this.endEditing();
      this.load();
    }
    if (changed.has("stored") && changed.get("stored")?.cid !== this.stored?.cid) this.wantsValues = false;
    if (changed.has("linked") && this.linked) this.follow(this.linked);
    this.loadValues();
    const drawing = this.values.value ?? this.loading.value;
    const waiting = !drawing && !this.loading.problem && this.series !== null && !changed.has("series");
    if (drawing === this.drawing || waiting) return;
    this.show(drawing);
  }

  /** Whether it shows what it was given last. */
  get ready(): boolean {
    return this.loading.value !== null && this.loading.value === this.drawn?.drawing;
  }

  /** Whether wheel and keys are meant for it. */
  get active(): boolean {
    return this.stage?.matches(":focus") === true || this.fullScreen.active;
  }

  private follow({ zoom, x, y, inverted }: View): void {
    this.view = reduceView({ ...this.view, zoom, x, y, inverted }, { type: "scene-changed" }, this.scene);
  }

  private load(): void {
    const { src, file, frame } = this;
    const slice = { src, frame, ...(file ? { file } : {}) };
    if (file || src) this.loading.show(slices.key(slice), () => slices.load(slice));
    else this.loading.clear();
  }

  private loadValues(): void {
    const wanted = this.stored && storedMediaType(this.stored.mediaType);
    if (!this.stored || !wanted || (wanted === "when-asked" && !this.wantsValues)) {
      this.values.clear();
      return;
    }
    const { cid, mediaType } = this.stored;
    this.values.show(`${cid} ${this.frame}`, async () => loadFile(new Blob([await api.content(cid)], { type: mediaType }), this.frame));
  }

  private show(drawing: Drawing | null): void {
    const { view, drawing: before } = this;
    const first = initialView(drawing ?? NO_SCENE);
    const same = before !== null && drawing !== null && (this.series !== null || drawing === this.values.value);
    const changedWindow = same && before.range.high === drawing.range.high && !isSameWindow(view.window, before.windows[0]);
    const kept = same ? { ...view, window: changedWindow ? view.window : first.window } : { ...first, tool: view.tool };
    if (!same || before.size.width !== drawing.size.width || before.size.height !== drawing.size.height) this.lines = [];
    this.view = kept;
    this.drawing = drawing;
    this.drawnLine = null;
    if (drawing && drawing.frames > 1) this.dispatchEvent(new CustomEvent("frames", { detail: drawing.frames }));
  }

  protected override firstUpdated(): void {
    this.observe();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.sizes.disconnect();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) this.observe();
  }

  private observe(): void {
    if (this.stage) this.sizes.observe(this.stage);
  }

  protected override updated(): void {
    // Through the object model: the Content-Security-Policy forbids style attributes.
    this.layer?.style.setProperty("opacity", String(this.opacity / 100));
    const { zoom, x, y, tool } = this.view;
    this.world?.style.setProperty("transform", `translate(${x}px, ${y}px) scale(${zoom})`);
    this.world?.style.setProperty("--scale", String(this.scale));
    // A finger on an image that is not enlarged scrolls the page.
    this.stage?.style.setProperty("touch-action", zoom <= 1 && tool === "pan" ? "pan-y" : "none");
    this.draw();
    this.bar?.style.setProperty("width", `${this.bar.dataset.width ?? "0"}px`);
  }

  protected override render() {
    const { drawing } = this;
    return html`<figure @fullscreenchange=${this.fullScreen.changed}>
      <div
        class="stage"
        data-tool=${this.view.tool}
        tabindex="0"
        role="group"
        aria-label="Viewer: ${this.alt}"
        aria-describedby="shown"
        @pointerdown=${this.gestures.down}
        @pointermove=${this.gestures.move}
        @pointerup=${this.gestures.up}
        @pointercancel=${this.gestures.cancel}
        @wheel=${this.gestures.wheel}
        @dblclick=${this.gestures.doubleClick}
        @keydown=${this.gestures.key}
      >
        ${drawing ? this.layers(drawing) : this.instead()}
        ${this.flag ? html`<p class="flag" data-testid="flag">${this.flag}</p>` : nothing}
      </div>
      <sp-viewer-tools
        .view=${this.view}
        .windows=${this.scene.windows}
        .fullScreen=${this.fullScreen.active}
        .editing=${this.editor.edit !== null}
        @view=${({ detail }: CustomEvent<ViewEvent>) => this.act(detail)}
        @full-screen=${this.fullScreen.toggle}
      ></sp-viewer-tools>
      ${this.overlay || this.contours.length > 0 || this.lines.length > 0 || this.editable
        ? html`<div class="controls">
            ${this.overlay ? this.mapControls() : nothing} ${this.contours.length > 0 ? this.outlineControl() : nothing}
            ${this.editable ? this.editControls() : nothing}
            ${this.lines.length > 0 ? this.lengths() : nothing}
          </div>`
        : nothing}
      <slot name="below"></slot>
    </figure>`;
  }

  /** In place of an image that is not there yet, or that the browser does not decode. */
  private instead() {
    const { problem } = this.loading;
    if (problem) {
      return html`<p class="none" data-testid="not-shown">
        ${problem.text.startsWith("expected")
          ? `This file cannot be shown: ${problem.text}.`
          : "This browser cannot show this type of image. ScanProof can still use it."}
      </p>`;
    }
    return this.src || this.file ? html`<p class="none busy"><span class="spinner"></span>Loading the image …</p>` : nothing;
  }

  private layers({ canvas, size }: Drawing) {
    return html`<div class="world ${this.scale > ENLARGED ? "enlarged" : ""}">
        <canvas role="img" aria-label=${this.alt} width=${canvas.width} height=${canvas.height}></canvas>
        ${this.overlay && this.shown
          ? html`<img class="overlay" src=${this.overlay} alt="Activation map: where the model looked for its answer" />`
          : nothing}
        ${(this.contours.length > 0 && this.outlined) || this.editor.edit ? this.outline() : nothing} ${this.rulers(size)}
      </div>
      ${this.facts()}`;
  }

  /** In whose pixels the contours are. */
  private get space(): Size {
    return this.size ?? this.drawing?.size ?? { width: 1, height: 1 };
  }

  private outline() {
    const { width, height } = this.space;
    const { edit, path: part } = this.editor;
    const contours = edit?.contours ?? this.contours;
    const path = contours.map((points) => `M${points.map(([x, y]) => `${x} ${y}`).join("L")}Z`).join("");
    const drawn = part ? `M${part.map(({ x, y }) => `${x} ${y}`).join("L")}` : "";
    const shown = this.textPlaces ? "Outline: where there seems to be text" : this.outlineName;
    const name = edit ? "Outline: as you correct it" : shown;
    return html`<svg class="layer" viewBox="0 0 ${width} ${height}" role="img" aria-label=${name} data-testid="outline">
      ${svg`<path class="edge" d=${path + drawn} /><path class="line" d=${path + drawn} />`}
      ${this.editor.handles()}
    </svg>`;
  }

  private editControls() {
    const { edit } = this.editor;
    if (!edit) return html`<button class="button" type="button" @click=${this.startEditing}>Correct the outline</button>`;
    return this.editor.controls(edit, this.areaText(), () => this.stopEditing());
  }

  private rulers({ width, height }: Size) {
    const lines = this.drawnLine ? [...this.lines, this.drawnLine] : this.lines;
    if (lines.length === 0) return nothing;
    return html`<svg class="layer" viewBox="0 0 ${width} ${height}" role="img" aria-label="Measured lengths" data-testid="rulers">
      ${lines.map(({ from, to }) =>
        ["edge", "line ruler"].map((name) => svg`<line class=${name} x1=${from.x} y1=${from.y} x2=${to.x} y2=${to.y} />`),
      )}
    </svg>`;
  }

  /** What a person reads off the view: enlargement, window, and a bar of known length. */
  private facts() {
    const { window } = this.view;
    const spacing = this.drawing?.spacing ?? null;
    const bar = spacing ? roundLength((this.stageSize.width * LONGEST_SCALE * spacing.x) / this.scale) : 0;
    return html`<div class="facts">
      <span id="shown" data-testid="shown">
        ${whole(Math.round(this.scale * 100))}\u00a0%${this.drawnLine ? html`, ${this.lengthOf(this.drawnLine)}` : nothing}
        ${isSameWindow(window, this.scene.windows[0])
          ? nothing
          : html`<br />Window ${whole(Math.round(window.width))}, level ${whole(Math.round(window.center))}`}
      </span>
      ${bar && spacing
        ? html`<span class="scale" data-testid="scale" data-width=${(bar / spacing.x) * this.scale}>${figure(bar, "mm")}</span>`
        : nothing}
    </div>`;
  }

  private lengths() {
    return html`<p class="small" data-testid="lengths">
        Measured: ${this.lines.map((line, index) => `${index > 0 ? ", " : ""}${this.lengthOf(line)}`)}
      </p>
      <button class="button quiet" type="button" @click=${() => (this.lines = [])}>Remove the lengths</button>`;
  }

  private outlineControl() {
    return html`<label>
      <input type="checkbox" .checked=${this.outlined} @change=${this.outlineToggled} />
      Show the ${this.textPlaces ? "places of text" : "tumour outline"}
    </label>
      ${this.drawing?.spacing && !this.editor.edit && !this.textPlaces
        ? html`<span class="small soft" data-testid="outline-area">${this.areaText()}</span>`
        : nothing}`;
  }

  private areaText(): string {
    const spacing = this.drawing?.spacing ?? null;
    const mm = spacing && { x: spacing.x / this.contourScale, y: spacing.y / this.contourScale };
    const area = enclosedArea(this.editor.edit?.contours ?? this.contours, mm);
    return figure(Math.round(area), mm ? "mm²" : "pixels");
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

  /** CSS pixels for one pixel of the image. */
  private get scale(): number {
    return fitScale(this.stageSize, this.scene.image) * this.view.zoom;
  }

  private get scene(): Scene {
    const { range, windows, size } = this.drawing ?? { ...NO_SCENE, size: this.stageSize };
    return { range, windows, image: size, stage: this.stageSize };
  }

  private act(event: ViewEvent): void {
    this.view = reduceView(this.view, event, this.scene);
    if (event.type !== "scene-changed") this.dispatchEvent(new CustomEvent("view-changed", { detail: this.view }));
    if (VALUE_EVENTS.includes(event.type)) this.wantsValues = true;
    if (event.type === "reset") this.lines = [];
  }

  private measure(from: Point, to: Point, finished: boolean): void {
    if (!this.drawing) return;
    const line = { from: pixelAt(from, this.view, this.scene), to: pixelAt(to, this.view, this.scene) };
    this.drawnLine = finished ? null : line;
    if (!finished || Math.hypot(to.x - from.x, to.y - from.y) < SHORTEST_LINE) return;
    this.lines = [...this.lines, line].slice(-MAX_LINES);
    announce(`Measured: ${this.lengthOf(line)}`);
  }

  /** Pixels that contours are in, for one of what is drawn: a view can be smaller than the image. */
  private get contourScale(): number {
    return this.space.width / this.scene.image.width;
  }

  private inContours(at: Point): Point {
    const { x, y } = pixelAt(at, this.view, this.scene);
    return { x: x * this.contourScale, y: y * this.contourScale };
  }

  private startEditing(): void {
    this.act({ type: "tool-chosen", tool: "outline" });
    this.stage?.focus();
    this.editor.start(this.contours);
  }

  /** What was corrected stays with the image that it is of. */
  private endEditing(): void {
    if (!this.editor.edit) return;
    this.editor.edit = null;
    this.view = reduceView(this.view, { type: "tool-chosen", tool: "pan" }, this.scene);
  }

  private stopEditing(): void {
    this.act({ type: "tool-chosen", tool: "pan" });
    this.editor.stop();
  }

  private lengthOf({ from, to }: Line): string {
    const spacing = this.drawing?.spacing ?? null;
    return length(distance(from, to, spacing), spacing !== null);
  }

  private draw(): void {
    const { drawing, canvas } = this;
    const { window, inverted } = this.view;
    const before = this.drawn;
    if (!drawing || !canvas) return;
    if (before?.drawing === drawing && before.window === window && before.inverted === inverted) return;
    const context = canvas.getContext("2d");
    if (!context) return;
    drawing.draw(context, window, inverted);
    this.drawn = { drawing, window, inverted };
    canvas.dataset.state = "drawn";
  }

  private measureStage(): void {
    if (!this.stage) return;
    const { clientWidth: width, clientHeight: height } = this.stage;
    this.stageSize = { width: Math.max(width, 1), height: Math.max(height, 1) };
    this.act({ type: "scene-changed" });
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
