import { LitElement, css, html, nothing, svg, type PropertyValues } from "lit";
import { customElement, property, query, queryAll, state } from "lit/decorators.js";
import { announce } from "../accessibility";
import { api, tileOf } from "../api/client";
import type { DeepZoom, Image } from "../api/types";
import { whole } from "../format";
import type { Point } from "../imaging/geometry";
import {
  answerOf,
  barOf,
  colourOf,
  SLIDE_KEYS,
  slideActionOf,
  slideOf,
  summaryOf,
  textOf,
  type Field,
  type SlideAction,
} from "../state/slide";
import { shared } from "../styles/shared";
import { fieldColours } from "./field-colours";
import { FullScreen } from "./full-screen";
import { iconBar, iconButton, keyList, toolbar } from "./icon-bar";
import { LoadController } from "./load-controller";
import { loadNotice } from "./load-notice";
import "./sp-slide-fields";
import { TabStop } from "./tab-stop";
import { TileStage } from "./tile-stage";
import { viewerStyles } from "./viewer-styles";

const ZOOM_STEP = 1.5;
/** In CSS pixels. */
const MOVE_STEP = 80;
/** Of a field on the screen, from which on its answer stands over it, in CSS pixels. */
const ROOM_FOR_WORDS = 110;
const ROOM_FOR_NUMBER = 28;

/** A whole slide, loaded by tiles and enlarged to its own pixels, with the fields that a model read. */
@customElement("sp-slide-viewer")
export class SlideViewer extends LitElement {
  static override styles = [
    shared,
    viewerStyles,
    iconBar,
    toolbar,
    fieldColours,
    css`
      .deep {
        position: absolute;
        inset: 0;
      }
      svg.fields {
        position: absolute;
        inset: 0;
        width: 100%;
        height: 100%;
        pointer-events: none;
      }
      svg.fields polygon {
        fill: none;
        stroke: var(--field);
        stroke-width: 2px;
      }
      svg.fields polygon.edge {
        stroke: var(--viewer);
        stroke-width: 5px;
        stroke-opacity: 0.7;
      }
      svg.fields .none polygon:not(.edge) {
        stroke-dasharray: 6 4;
      }
      svg.fields .current polygon:not(.edge) {
        stroke-width: 4px;
      }
      svg.fields text {
        fill: #ffffff;
        stroke: var(--viewer);
        stroke-width: 4px;
        paint-order: stroke;
        font-size: var(--text-small);
        font-weight: 650;
      }
      /* A slide is bright: what is read off stands on the viewer's black. */
      .facts {
        z-index: 1;
      }
      .facts > span {
        padding: 0 var(--space-2);
        border-radius: var(--radius-small);
        background: color-mix(in srgb, var(--viewer) 75%, transparent);
        text-shadow: none;
      }
      .facts > .length {
        padding-bottom: var(--space-1);
        text-align: center;
      }
      .length span {
        display: block;
        height: 0.375rem;
        margin: 0 auto;
        border: solid #e6eef1;
        border-width: 0 2px 2px;
      }
      .bar {
        margin-top: var(--space-2);
      }
      sp-slide-fields {
        flex-basis: 100%;
      }
      .incomplete {
        position: absolute;
        inset: var(--space-3) var(--space-3) auto;
        z-index: 1;
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        justify-content: space-between;
        gap: var(--space-2) var(--space-4);
        padding: var(--space-2) var(--space-3);
        border-radius: var(--radius-small);
        background: var(--warning-soft);
        color: var(--warning);
      }
    `,
  ];

  /** Of a slide. */
  @property({ attribute: false }) image!: Image;
  @property() alt = "";
  /** What a model read and answered. */
  @property({ attribute: false }) fields: readonly Field[] = [];
  /** A warning, shown over the slide. */
  @property() flag: string | null = null;
  @state() private current: Field | null = null;
  @state() private outlined = true;
  @state() private complete = false;
  @state() private failed = false;
  @query("figure") private figure!: HTMLElement | null;
  @query(".stage") private stage!: HTMLElement | null;
  @query(".deep") private deep!: HTMLElement | null;
  @query(".length span") private bar!: HTMLElement | null;
  @queryAll(".tools button") private buttons!: NodeListOf<HTMLButtonElement>;
  private readonly loading = new LoadController<DeepZoom>(this);
  private readonly tabStop = new TabStop(() => this.buttons);
  private readonly fullScreen: FullScreen = new FullScreen(
    this,
    () => this.figure,
    () => this.focusStage(),
  );
  private tiles: TileStage | null = null;
  /** What the tiles are of. */
  private shown: DeepZoom | null = null;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.close();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.requestUpdate();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    const { cid } = this.image;
    this.loading.show(cid, () => api.deepZoom(cid));
    if (changed.has("fields")) this.current = null;
  }

  protected override updated(): void {
    this.open(this.loading.value);
    this.tiles?.take(this.active);
    // Through the object model: the Content-Security-Policy forbids style attributes.
    this.bar?.style.setProperty("width", `${this.bar.dataset.width ?? "0"}px`);
    this.tabStop.update();
  }

  protected override render() {
    const { problem, value } = this.loading;
    return html`<figure @fullscreenchange=${this.fullScreen.changed}>
      <div
        class="stage"
        tabindex="0"
        role="group"
        aria-label="Viewer: ${this.alt}"
        aria-describedby="shown"
        aria-busy=${String(!this.complete && !problem)}
        data-state=${this.complete ? "drawn" : nothing}
        @click=${this.focusStage}
        @focusin=${this.changed}
        @focusout=${this.changed}
        @keydown=${this.pressed}
      >
        <div class="deep"></div>
        ${problem || value ? nothing : html`<p class="none busy" role="status"><span class="spinner"></span>Loading the slide …</p>`}
        ${this.flag ? html`<p class="flag" data-testid="flag">${this.flag}</p>` : nothing}
        ${value && this.tiles && this.tiles.scale > 0 ? this.over(this.tiles) : nothing} ${this.failed ? this.incomplete() : nothing}
      </div>
      ${loadNotice(this.loading)} ${this.tools()}
      ${this.fields.length > 0 ? this.list() : nothing}
      <slot name="below"></slot>
    </figure>`;
  }

  /** What is drawn over the slide. */
  private over(tiles: TileStage) {
    const { objective = null, micrometresPerPixel = null } = slideOf(this.image) ?? {};
    const bar = barOf(micrometresPerPixel, tiles.scale, this.stage?.clientWidth ?? 0);
    return html`${this.outlined && this.fields.length > 0 ? this.drawnFields(tiles) : nothing}
      <div class="facts">
        <span id="shown" data-testid="shown"
          >${percentOf(tiles.scale)}${objective ? `, about ${rounded(objective * tiles.scale)}×` : nothing}</span
        >
        ${bar ? html`<span class="length" data-testid="scale">${bar.text}<span data-width=${bar.width}></span></span>` : nothing}
      </div>`;
  }

  private drawnFields(tiles: TileStage) {
    return html`<svg class="fields" role="img" aria-label=${summaryOf(this.fields)} data-testid="drawn-fields">
      ${this.fields.map((field, index) => drawnField(field, index, cornersOf(field, tiles), field === this.current))}
    </svg>`;
  }

  private incomplete() {
    return html`<div class="incomplete small" role="alert" data-testid="tiles-failed">
      <span>Parts of the slide could not be loaded.</span>
      <button class="button" type="button" @click=${this.retry}>Load again</button>
    </div>`;
  }

  private tools() {
    const tool = (name: string, icon: Parameters<typeof iconButton>[1], action: SlideAction) =>
      iconButton(name, icon, () => this.act(action));
    return html`<div class="bar">
      <div class="tools" role="toolbar" aria-label="Slide tools" @keydown=${this.tabStop.pressed} @focusin=${this.tabStop.focused}>
        ${tool("Zoom in", "zoomIn", "zoom-in")} ${tool("Zoom out", "zoomOut", "zoom-out")}
        ${tool("Show the whole slide", "whole", "whole")} ${tool("Turn by a quarter", "rotate", "rotate")}
        ${document.fullscreenEnabled
          ? iconButton("Full screen", "fullScreen", this.fullScreen.toggle, { pressed: this.fullScreen.active })
          : nothing}
      </div>
      ${keyList(SLIDE_KEYS)}
    </div>`;
  }

  private list() {
    return html`<div class="controls">
      <label>
        <input type="checkbox" .checked=${this.outlined} @change=${this.outlineToggled} />
        Show the fields on the slide
      </label>
      <sp-slide-fields
        .fields=${this.fields}
        .current=${this.current}
        @field=${({ detail }: CustomEvent<Field>) => this.choose(detail)}
      ></sp-slide-fields>
    </div>`;
  }

  /** Whether wheel, finger and keys are meant for the slide, and not for the page. */
  private get active(): boolean {
    return this.stage?.matches(":focus") === true || this.fullScreen.active;
  }

  private open(pyramid: DeepZoom | null): void {
    if (pyramid === this.shown || !this.deep || !this.isConnected) return;
    this.close();
    this.shown = pyramid;
    if (!pyramid) return;
    const { cid } = this.image;
    this.tiles = new TileStage(this.deep, pyramid, (level, column, row) => tileOf(cid, level, column, row), {
      moved: () => this.requestUpdate(),
      complete: (complete) => (this.complete = complete),
      failed: () => (this.failed = true),
    });
  }

  private close(): void {
    this.tiles?.destroy();
    this.tiles = null;
    this.shown = null;
    this.complete = this.failed = false;
  }

  private act(action: SlideAction): void {
    const { tiles } = this;
    if (!tiles) return;
    const acts: Record<SlideAction, () => void> = {
      "zoom-in": () => tiles.zoom(ZOOM_STEP),
      "zoom-out": () => tiles.zoom(1 / ZOOM_STEP),
      left: () => tiles.move(-MOVE_STEP, 0),
      right: () => tiles.move(MOVE_STEP, 0),
      up: () => tiles.move(0, -MOVE_STEP),
      down: () => tiles.move(0, MOVE_STEP),
      whole: () => tiles.showWhole(),
      rotate: () => tiles.rotate(),
      "full-screen": () => this.fullScreen.toggle(),
    };
    acts[action]();
  }

  private choose(field: Field): void {
    this.current = field;
    this.tiles?.show(field);
    announce(`Field ${this.fields.indexOf(field) + 1}: ${textOf(field)}`);
  }

  private retry(): void {
    this.failed = false;
    this.tiles?.retry();
    this.focusStage();
  }

  /** From here on wheel and one finger move the slide; before, they scroll the page, which must not end at the slide. */
  private focusStage(): void {
    this.stage?.focus();
  }

  private pressed(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target !== this.stage) return;
    const action = slideActionOf(event.key);
    if (!action) return;
    event.preventDefault();
    this.act(action);
  }

  private changed(): void {
    this.requestUpdate();
  }

  private outlineToggled({ target }: Event): void {
    this.outlined = (target as HTMLInputElement).checked;
  }
}

function drawnField(field: Field, index: number, corners: Point[], current: boolean) {
  const points = corners.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
  const [left, top, right] = [
    Math.min(...corners.map(({ x }) => x)),
    Math.min(...corners.map(({ y }) => y)),
    Math.max(...corners.map(({ x }) => x)),
  ];
  const room = right - left;
  const words = room >= ROOM_FOR_WORDS ? `${index + 1} ${answerOf(field)}` : room >= ROOM_FOR_NUMBER || current ? String(index + 1) : "";
  return svg`<g class="${colourOf(field)} ${current ? "current" : ""}">
    <polygon class="edge" points=${points} /><polygon points=${points} />
    ${words ? svg`<text x=${left + 5} y=${top + 16}>${words}</text>` : nothing}
  </g>`;
}

/** On the stage, also of a slide that is turned. */
function cornersOf({ x, y, width, height }: Field, tiles: TileStage): Point[] {
  return [
    { x, y },
    { x: x + width, y },
    { x: x + width, y: y + height },
    { x, y: y + height },
  ].map((corner) => tiles.placeOf(corner));
}

/** Of the slide's own pixels: with digits where there are few. */
const percentOf = (scale: number): string => `${scale < 0.1 ? rounded(scale * 100) : whole(Math.round(scale * 100))}\u00a0%`;

/** To two digits, as magnifications are said. */
const rounded = (value: number): number => Number(value.toPrecision(2));
