import { describe, expect, it } from "vitest";
import { CT_WINDOWS } from "../../../frontend/src/imaging/windows";
import { eventOfKey, initialView, pixelAt, reduceView, zoomIn, type Scene, type View, type ViewEvent } from "../../../frontend/src/state/view";

const [BRAIN] = CT_WINDOWS as [(typeof CT_WINDOWS)[number]];
/** 200 × 100 pixels, each two CSS pixels wide on its stage, which has 100 free above and below. */
const SCENE: Scene = {
  stage: { width: 400, height: 400 },
  image: { width: 200, height: 100 },
  range: { low: -1024, high: 3071 },
  windows: [BRAIN],
};

const after = (...events: ViewEvent[]): View => events.reduce((view, event) => reduceView(view, event, SCENE), initialView(SCENE));

describe("the view", () => {
  it("begins with the whole image in its default window", () => {
    expect(after()).toEqual({ zoom: 1, x: 0, y: 0, window: BRAIN, inverted: false, tool: "pan" });
  });

  it("keeps the point under the pointer where it is when it zooms", () => {
    const at = { x: 150, y: -40 };
    const before = pixelAt(at, after(), SCENE);

    const view = after({ type: "zoomed", factor: 3, at });

    expect(view.zoom).toBe(3);
    expect(pixelAt(at, view, SCENE).x).toBeCloseTo(before.x);
    expect(pixelAt(at, view, SCENE).y).toBeCloseTo(before.y);
  });

  it("zooms out to the whole image and in to pixels of 40 CSS pixels", () => {
    expect(after({ type: "zoomed", factor: 1e9, at: { x: 0, y: 0 } }).zoom).toBe(20);
    expect(after({ type: "zoomed", factor: 1e-9, at: { x: 0, y: 0 } }).zoom).toBe(0.5);
    expect(after({ type: "actual-size" }).zoom).toBe(0.5);
  });

  it("does not move an edge of the image into the stage", () => {
    const far: ViewEvent = { type: "panned", by: { x: 1e6, y: -1e6 } };
    expect([after(far).x, after(far).y]).toEqual([0, -0]);
    const { x, y } = after({ type: "zoomed", factor: 3, at: { x: 0, y: 0 } }, far);
    expect([x, y]).toEqual([400, -100]);
  });

  it("changes width and level by drags, within the values of the image", () => {
    const { window } = after({ type: "windowed", by: { x: 256, y: -128 } });
    expect(window).toEqual({ center: 0, width: 160, shape: "LINEAR" });
    expect(after({ type: "windowed", by: { x: -1e6, y: -1e6 } }).window).toMatchObject({ center: -1024, width: 1 });
    expect(after({ type: "windowed", by: { x: 1e6, y: 1e6 } }).window).toMatchObject({ center: 3071, width: 8190 });
  });

  it("resets all but the tool", () => {
    const changed: ViewEvent[] = [zoomIn, { type: "inverted" }, { type: "window-chosen", window: { center: 1, width: 2, shape: "LINEAR" } }];
    const view = after(...changed, { type: "tool-chosen", tool: "measure" }, { type: "reset" });
    expect(view).toEqual({ ...initialView(SCENE), tool: "measure" });
  });

  it("fits again when the stage becomes smaller", () => {
    const view = after({ type: "zoomed", factor: 3, at: { x: 0, y: 0 } }, { type: "panned", by: { x: 400, y: 0 } });
    const small = { ...SCENE, stage: { width: 100, height: 100 } };
    expect(reduceView(view, { type: "scene-changed" }, small).x).toBe(100);
  });
});

describe("keys", () => {
  it.each([
    ["+", false, "zoomed"],
    ["-", false, "zoomed"],
    ["ArrowLeft", false, "panned"],
    ["ArrowLeft", true, "windowed"],
    ["I", false, "inverted"],
    ["0", false, "reset"],
    ["1", false, "actual-size"],
    ["m", false, "tool-chosen"],
  ])("%s with shift %s is %s", (key, shiftKey, type) => expect(eventOfKey({ key, shiftKey })?.type).toBe(type));

  it.each(["Tab", "Enter", "toString", "x"])("%s stays the page's", (key) => expect(eventOfKey({ key, shiftKey: false })).toBeNull());
});
