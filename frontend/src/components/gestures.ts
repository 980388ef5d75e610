/** Fingers, mouse, wheel and keys on the viewer's stage, as events of its state machine. */

import type { Point } from "../imaging/geometry";
import { eventOfKey, type Tool, type ViewEvent } from "../state/view";

const WHEEL_ZOOM = 0.0015;
const DOUBLE_CLICK_ZOOM = 2;
const DRAWING_TOOLS: readonly Tool[] = ["measure", "outline"];

export type DragPhase = "begun" | "moved" | "finished";

export interface GestureTarget {
  stage(): HTMLElement | null;
  tool(): Tool;
  act(event: ViewEvent): void;
  /** With the tools that draw: from and to, in CSS pixels from the middle of the stage. */
  draw(from: Point, to: Point, phase: DragPhase): void;
  /** Whether a key was the tool's own. */
  key(event: KeyboardEvent): boolean;
  fullScreen(): void;
}

/** The listeners of a stage. One finger uses the tool in hand, two move and zoom. */
export class Gestures {
  private readonly pointers = new Map<number, Point>();
  private start: Point | null = null;

  constructor(private readonly target: GestureTarget) {}

  readonly down = (event: PointerEvent): void => {
    if (event.button > 1 || this.pointers.size >= 2) return;
    const at = this.place(event);
    this.target.stage()?.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, at);
    const draws = this.pointers.size === 1 && event.button === 0 && DRAWING_TOOLS.includes(this.target.tool());
    this.start = draws ? at : null;
    if (draws) this.target.draw(at, at, "begun");
  };

  readonly move = (event: PointerEvent): void => {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const at = this.place(event);
    const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    this.pointers.set(event.pointerId, at);
    const by = { x: at.x - before.x, y: at.y - before.y };
    if (other) this.pinch(before, at, other);
    else if (this.start) this.target.draw(this.start, at, "moved");
    else if (this.target.tool() === "window" && (event.buttons & 1) === 1) this.target.act({ type: "windowed", by });
    else this.target.act({ type: "panned", by });
  };

  readonly up = (event: PointerEvent): void => {
    if (!this.pointers.delete(event.pointerId) || !this.start) return;
    this.target.draw(this.start, this.place(event), "finished");
    this.start = null;
  };

  /** The browser took the finger, to scroll the page: a line that was begun is none. */
  readonly cancel = (event: PointerEvent): void => {
    this.pointers.delete(event.pointerId);
    if (this.start) this.target.draw(this.start, this.start, "finished");
    this.start = null;
  };

  /** With the control key, which also a trackpad's pinch has, or with the focus: else the wheel scrolls the page. */
  readonly wheel = (event: WheelEvent): void => {
    const stage = this.target.stage();
    if (!event.ctrlKey && !stage?.matches(":focus, :fullscreen *")) return;
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    this.target.act({ type: "zoomed", factor: Math.exp(-event.deltaY * lines * WHEEL_ZOOM), at: this.place(event) });
  };

  readonly doubleClick = (event: MouseEvent): void => {
    if (DRAWING_TOOLS.includes(this.target.tool())) return;
    this.target.act({ type: "zoomed", factor: DOUBLE_CLICK_ZOOM, at: this.place(event) });
  };

  readonly key = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target !== this.target.stage()) return;
    const meant = eventOfKey(event);
    if (this.target.key(event)) event.preventDefault();
    else if (meant) this.target.act(meant);
    else if (event.key.toLowerCase() === "f") this.target.fullScreen();
    else return;
    event.preventDefault();
  };

  private pinch(before: Point, at: Point, other: Point): void {
    const spread = (point: Point) => Math.max(Math.hypot(point.x - other.x, point.y - other.y), 1);
    const middle = { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 };
    this.target.act({ type: "panned", by: { x: (at.x - before.x) / 2, y: (at.y - before.y) / 2 } });
    this.target.act({ type: "zoomed", factor: spread(at) / spread(before), at: middle });
  }

  private place({ clientX, clientY }: MouseEvent): Point {
    const { left, top, width, height } = this.target.stage()?.getBoundingClientRect() ?? new DOMRect();
    return { x: clientX - left - width / 2, y: clientY - top - height / 2 };
  }
}
