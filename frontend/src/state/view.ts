/** How an image is shown: place, size, brightness and the tool in hand, as a pure state machine. */

import { clamp, fitScale, type Point, type Size } from "../imaging/geometry";
import type { Range, Window, Windows } from "../imaging/windows";

/** What dragging does. */
export type Tool = "pan" | "window" | "measure" | "outline";

export interface View {
  /** 1 where the whole image just fits the stage. */
  zoom: number;
  /** From the middle of the stage to the middle of the image, in CSS pixels. */
  x: number;
  y: number;
  window: Window;
  inverted: boolean;
  tool: Tool;
}

/** What is shown, and on what; the first window is the default. */
export interface Scene {
  stage: Size;
  image: Size;
  range: Range;
  windows: Windows;
}

/** Places are from the middle of the stage, in CSS pixels. */
export type ViewEvent =
  | { type: "zoomed"; factor: number; at: Point }
  | { type: "panned"; by: Point }
  | { type: "windowed"; by: Point }
  | { type: "window-chosen"; window: Window }
  | { type: "inverted" }
  | { type: "tool-chosen"; tool: Tool }
  | { type: "actual-size" }
  | { type: "reset" }
  | { type: "scene-changed" };

const MIDDLE: Point = { x: 0, y: 0 };
/** CSS pixels for one pixel of the image, at most. */
const LARGEST_PIXEL = 40;
/** Of the default window, for each CSS pixel of a drag. */
const WINDOW_STEP = 1 / 256;

export function initialView({ windows: [window] }: Pick<Scene, "windows">): View {
  return { zoom: 1, ...MIDDLE, window, inverted: false, tool: "pan" };
}

export function reduceView(view: View, event: ViewEvent, scene: Scene): View {
  switch (event.type) {
    case "zoomed":
      return placed(zoomed(view, event.factor, event.at, scene), scene);
    case "panned":
      return placed({ ...view, x: view.x + event.by.x, y: view.y + event.by.y }, scene);
    case "windowed":
      return { ...view, window: windowed(view.window, event.by, scene) };
    case "window-chosen":
      return { ...view, window: event.window };
    case "inverted":
      return { ...view, inverted: !view.inverted };
    case "tool-chosen":
      return { ...view, tool: event.tool };
    case "actual-size":
      return placed({ ...view, ...MIDDLE, zoom: 1 / fitScale(scene.stage, scene.image) }, scene);
    case "reset":
      return { ...initialView(scene), tool: view.tool };
    case "scene-changed":
      return placed(view, scene);
  }
}

/** The point under `at` stays where it is. */
function zoomed(view: View, factor: number, at: Point, scene: Scene): View {
  const zoom = limitedZoom(view.zoom * factor, scene);
  const real = zoom / view.zoom;
  return { ...view, zoom, x: at.x + (view.x - at.x) * real, y: at.y + (view.y - at.y) * real };
}

const limitedZoom = (zoom: number, { stage, image }: Scene): number =>
  clamp(zoom, Math.min(1, 1 / fitScale(stage, image)), Math.max(LARGEST_PIXEL / fitScale(stage, image), 1));

/** No edge of the image comes further in than the stage's, as long as the image is larger. */
function placed(view: View, scene: Scene): View {
  const zoom = limitedZoom(view.zoom, scene);
  const scale = fitScale(scene.stage, scene.image) * zoom;
  const room = (image: number, stage: number) => Math.max((image * scale - stage) / 2, 0);
  const [roomX, roomY] = [room(scene.image.width, scene.stage.width), room(scene.image.height, scene.stage.height)];
  return { ...view, zoom, x: clamp(view.x, -roomX, roomX), y: clamp(view.y, -roomY, roomY) };
}

/** To the right: more contrast range. Upwards: brighter. From a look-up table on, it is a window. */
function windowed({ center, width, shape }: Window, by: Point, { range, windows }: Scene): Window {
  const step = Math.max(windows[0].width, 1) * WINDOW_STEP;
  const span = Math.max(range.high - range.low, 1);
  return {
    center: clamp(center + by.y * step, range.low, range.high),
    width: clamp(width + by.x * step, 1, 2 * span),
    shape,
  };
}

/** The pixel of the image under a point of the stage, from its left upper corner, also outside of the image. */
export function pixelAt(at: Point, view: View, { stage, image }: Pick<Scene, "stage" | "image">): Point {
  const scale = fitScale(stage, image) * view.zoom;
  return { x: (at.x - view.x) / scale + image.width / 2, y: (at.y - view.y) / scale + image.height / 2 };
}

const ZOOM_STEP = 1.25;
const PAN_STEP = 40;
const WINDOW_KEY_STEP = 8;

const pan = (x: number, y: number): ViewEvent => ({ type: "panned", by: { x: x * PAN_STEP, y: y * PAN_STEP } });
const windowBy = (x: number, y: number): ViewEvent => ({ type: "windowed", by: { x: x * WINDOW_KEY_STEP, y: y * WINDOW_KEY_STEP } });

export const zoomIn: ViewEvent = { type: "zoomed", factor: ZOOM_STEP, at: MIDDLE };
export const zoomOut: ViewEvent = { type: "zoomed", factor: 1 / ZOOM_STEP, at: MIDDLE };

const PLAIN: Record<string, ViewEvent> = {
  "+": zoomIn,
  "=": zoomIn,
  "-": zoomOut,
  "0": { type: "reset" },
  "1": { type: "actual-size" },
  i: { type: "inverted" },
  p: { type: "tool-chosen", tool: "pan" },
  w: { type: "tool-chosen", tool: "window" },
  m: { type: "tool-chosen", tool: "measure" },
  ArrowLeft: pan(1, 0),
  ArrowRight: pan(-1, 0),
  ArrowUp: pan(0, 1),
  ArrowDown: pan(0, -1),
};

const SHIFTED: Record<string, ViewEvent> = {
  "+": zoomIn,
  ArrowLeft: windowBy(-1, 0),
  ArrowRight: windowBy(1, 0),
  ArrowUp: windowBy(0, -1),
  ArrowDown: windowBy(0, 1),
};

/** What a key does; null for keys that are not the viewer's. */
export function eventOfKey({ key, shiftKey }: { key: string; shiftKey: boolean }): ViewEvent | null {
  const table = shiftKey ? SHIFTED : PLAIN;
  const name = key.length === 1 ? key.toLowerCase() : key;
  return Object.hasOwn(table, name) ? (table[name] ?? null) : null;
}

/** For people: keys and what they do. */
export const KEYS: readonly (readonly [keys: string, does: string])[] = [
  ["+ and −", "zoom"],
  ["Arrow keys", "move the image"],
  ["Shift and arrow keys", "narrow, widen, brighten or darken the window"],
  ["0", "reset"],
  ["1", "show one image pixel as one pixel of the screen"],
  ["I", "invert"],
  ["P, W, M", "drag to move, to change the window, to measure"],
  ["F", "full screen"],
];
