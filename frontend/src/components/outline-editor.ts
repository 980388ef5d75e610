/** Corrects an outline in the viewer: drags and keys become events of its state machine. */

import { html, svg, type ReactiveControllerHost } from "lit";
import { announce } from "../accessibility";
import type { Outline } from "../api/types";
import { whole } from "../format";
import type { Point, Size } from "../imaging/geometry";
import { MAX_POINTS, reduceOutline, startEdit, type OutlineEdit, type OutlineEvent } from "../state/outline-edit";
import type { DragPhase } from "./gestures";

/** Pixels of the image that an arrow key moves a point with the shift key. */
const LONG_STEP = 10;

/** Places are in pixels of the contours. The host dispatches `outline` with them, or null for the model's own. */
export class OutlineEditor {
  /** Null while nothing is corrected. */
  edit: OutlineEdit | null = null;
  /** What a finger draws now: a new part. */
  path: Point[] | null = null;

  constructor(
    private readonly host: Pick<ReactiveControllerHost, "requestUpdate"> & EventTarget,
    private readonly image: () => Size,
  ) {}

  start(contours: Outline["contours"]): void {
    this.edit = startEdit(contours);
    announce("Correct the outline: N and B choose a point, arrow keys move it.");
    this.emit();
  }

  stop(): void {
    this.edit = null;
    this.emit();
  }

  /** A drag that begins at a point or an edge, which is within `reach`, moves it; any other draws a new part. */
  drag(at: Point, phase: DragPhase, reach: number): void {
    if (phase === "begun") this.change({ type: "taken", at, reach });
    else if (this.edit?.selected) this.change({ type: "moved-to", at });
    else if (phase === "moved") this.path = [...(this.path ?? []), at];
    if (phase === "finished") {
      if (this.path) this.change({ type: "drawn", path: this.path });
      this.path = null;
    }
    this.host.requestUpdate();
  }

  /** Whether the key is one of its own. */
  key({ key, shiftKey }: KeyboardEvent): boolean {
    if (!this.edit) return false;
    const step = shiftKey ? LONG_STEP : 1;
    const events: Record<string, OutlineEvent> = {
      n: { type: "selected-next", step: 1 },
      b: { type: "selected-next", step: -1 },
      u: { type: "undone" },
      Insert: { type: "inserted" },
      Delete: { type: "removed" },
      Backspace: { type: "removed" },
      ArrowLeft: { type: "moved-by", by: { x: -step, y: 0 } },
      ArrowRight: { type: "moved-by", by: { x: step, y: 0 } },
      ArrowUp: { type: "moved-by", by: { x: 0, y: -step } },
      ArrowDown: { type: "moved-by", by: { x: 0, y: step } },
    };
    const event = events[key.length === 1 ? key.toLowerCase() : key];
    if (!event) return false;
    this.change(event);
    const { selected, contours } = this.edit;
    const [x, y] = (selected && contours[selected.contour]?.[selected.point]) ?? [];
    if (selected && x !== undefined && y !== undefined) announce(`Point ${selected.point + 1}, ${x} across, ${y} down`);
    return true;
  }

  /** The points, to be drawn in an `svg` of the contours' pixels. */
  handles() {
    const { selected = null, contours = [] } = this.edit ?? {};
    return contours.map((points, contour) =>
      points.map(([x, y], point) => {
        const chosen = selected?.contour === contour && selected.point === point;
        return svg`<circle class="handle ${chosen ? "selected" : ""}" cx=${x} cy=${y} />`;
      }),
    );
  }

  /** `area` as text. */
  controls({ contours, former }: OutlineEdit, area: string, stop: () => void) {
    const points = contours.reduce((sum, contour) => sum + contour.length, 0);
    return html`<p class="small soft" data-testid="editing">
        Drag a point or an edge; drag elsewhere to draw a new part. Keys: N and B choose a point, arrows move it, Insert adds one,
        Delete removes it, U undoes. ${whole(points)} of at most ${whole(MAX_POINTS)} points; area
        <span data-testid="outline-area">${area}</span>.
      </p>
      <div class="actions">
        <button class="button" type="button" ?disabled=${former.length === 0} @click=${() => this.change({ type: "undone" })}>Undo</button>
        <button class="button" type="button" @click=${() => this.change({ type: "cleared" })}>Remove the outline</button>
        <button class="button" type="button" @click=${stop}>Use the model's outline</button>
      </div>`;
  }

  private change(event: OutlineEvent): void {
    if (!this.edit) return;
    const { contours } = this.edit;
    this.edit = reduceOutline(this.edit, event, this.image());
    this.host.requestUpdate();
    if (this.edit.contours !== contours) this.emit();
  }

  private emit(): void {
    this.host.requestUpdate();
    this.host.dispatchEvent(new CustomEvent("outline", { detail: this.edit?.contours ?? null }));
  }
}
