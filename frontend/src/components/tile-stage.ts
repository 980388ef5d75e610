/** OpenSeadragon as the slide viewer uses it: tiles on a canvas, without its buttons, its pictures and its styles. */

import OpenSeadragon from "openseadragon";
import type { DeepZoom } from "../api/types";
import type { Point, Size } from "../imaging/geometry";

export interface TileStageListener {
  /** Place, size or turn of the slide changed. */
  moved(): void;
  /** Whether every tile in sight is there. */
  complete(complete: boolean): void;
  /** A tile could not be loaded. */
  failed(): void;
}

type TileAddress = (level: number, column: number, row: number) => string;

/** CSS pixels for a pixel of the slide, at most. */
const LARGEST_PIXEL = 8;
const ANIMATION_SECONDS = 0.3;
const TILES_AT_ONCE = 6;
/** Of a field that is shown, in its own widths and heights. */
const ROOM_AROUND = 0.4;
const QUARTER = 90;
const RETRY_MS = 1_000;
const STYLE_MARK = "data-openseadragon-mobile-css";

export class TileStage {
  private readonly viewer: OpenSeadragon.Viewer;
  private readonly failed = new Set<OpenSeadragon.Tile>();

  constructor(element: HTMLElement, pyramid: DeepZoom, addressOf: TileAddress, listener: TileStageListener) {
    keepStylesOut();
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const { width, height, tileSize, overlap, levels } = pyramid;
    this.viewer = new OpenSeadragon.Viewer({
      element,
      tileSources: Object.assign(
        new OpenSeadragon.TileSource({
          width,
          height,
          tileSize,
          tileOverlap: overlap,
          minLevel: firstLevel(pyramid),
          maxLevel: levels - 1,
        }),
        { getTileUrl: addressOf },
      ),
      drawer: "canvas",
      showNavigationControl: false,
      keyboardNavEnabled: false,
      cooperativeGestures: true,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
      animationTime: still ? 0 : ANIMATION_SECONDS,
      constrainDuringPan: true,
      visibilityRatio: 0.5,
      minZoomImageRatio: 1,
      maxZoomPixelRatio: LARGEST_PIXEL,
      imageLoaderLimit: TILES_AT_ONCE,
      tileRetryMax: 1,
      tileRetryDelay: RETRY_MS,
    });
    // The stage around it takes the keys, and has a name.
    this.viewer.canvas.removeAttribute("tabindex");
    this.viewer.addHandler("canvas-cooperative-gesture", (event) => Object.assign(event, { preventDefaultAction: true }));
    this.viewer.addHandler("update-viewport", () => listener.moved());
    this.viewer.addHandler("tile-load-failed", ({ tile, maxReached }: OpenSeadragon.TileLoadFailedEvent & { maxReached?: boolean }) => {
      if (!maxReached) return;
      this.failed.add(tile);
      listener.failed();
    });
    this.viewer.world.addHandler("add-item", ({ item }) => {
      item.addHandler("fully-loaded-change", ({ fullyLoaded }) => listener.complete(fullyLoaded));
    });
  }

  /** CSS pixels for a pixel of the slide. */
  get scale(): number {
    const { viewport } = this.viewer;
    return this.viewer.isOpen() ? viewport.viewportToImageZoom(viewport.getZoom(true)) : 0;
  }

  /** Where a pixel of the slide is, in CSS pixels from the stage's left upper corner. */
  placeOf({ x, y }: Point): Point {
    return this.viewer.viewport.imageToViewerElementCoordinates(new OpenSeadragon.Point(x, y));
  }

  /** Whether the wheel and one finger move the slide, and not the page. */
  take(all: boolean): void {
    this.viewer.setCooperativeGestures(!all);
  }

  zoom(factor: number): void {
    this.viewer.viewport.zoomBy(factor).applyConstraints();
  }

  /** In CSS pixels. */
  move(x: number, y: number): void {
    const { viewport } = this.viewer;
    viewport.panBy(viewport.deltaPointsFromPixels(new OpenSeadragon.Point(x, y))).applyConstraints();
  }

  rotate(): void {
    this.viewer.viewport.rotateBy(QUARTER);
  }

  showWhole(): void {
    this.viewer.viewport.setRotation(0).goHome();
  }

  show({ x, y, width, height }: Point & Size): void {
    const { viewport } = this.viewer;
    const [aside, above] = [width * ROOM_AROUND, height * ROOM_AROUND];
    viewport.fitBoundsWithConstraints(
      viewport.imageToViewportRectangle(x - aside, y - above, width + 2 * aside, height + 2 * above),
    );
  }

  /** Loads the tiles again that could not be loaded. */
  retry(): void {
    for (const tile of this.failed) tile.exists = true;
    this.failed.clear();
    this.viewer.forceResize();
  }

  destroy(): void {
    this.viewer.destroy();
  }
}

/** The largest level of one tile: smaller ones show nothing more. */
function firstLevel({ width, height, tileSize, levels }: DeepZoom): number {
  const halvings = Math.max(0, Math.ceil(Math.log2(Math.max(width, height) / tileSize)));
  return Math.max(0, levels - 1 - halvings);
}

/**
 * OpenSeadragon adds a style element to the document unless one with this mark is there, and the page's
 * Content-Security-Policy forbids those. An element that only has the name keeps it out.
 */
function keepStylesOut(): void {
  if (document.querySelector(`style[${STYLE_MARK}]`)) return;
  const mark = document.createElementNS(null, "style");
  mark.setAttribute(STYLE_MARK, "");
  document.head.append(mark);
}
