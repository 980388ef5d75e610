import { css } from "lit";

export const viewerStyles = css`
  .stage {
    position: relative;
    display: grid;
    aspect-ratio: 1;
    max-height: var(--stage-height, 32rem);
    width: 100%;
    border-radius: var(--radius-small);
    background: var(--viewer);
    overflow: hidden;
    cursor: grab;
    user-select: none;
    -webkit-user-select: none;
  }
  .stage[data-tool="window"] {
    cursor: ns-resize;
  }
  .stage[data-tool="measure"],
  .stage[data-tool="outline"] {
    cursor: crosshair;
  }
  .world {
    grid-area: 1 / 1;
    display: grid;
    min-height: 0;
    pointer-events: none;
  }
  canvas,
  .overlay,
  svg.layer {
    grid-area: 1 / 1;
    width: 100%;
    height: 100%;
    min-height: 0;
    object-fit: contain;
  }
  /* Enlarged, a pixel is a square: nothing is shown that was not there. */
  .world.enlarged canvas {
    image-rendering: pixelated;
  }
  .none {
    grid-area: 1 / 1;
    place-self: center;
    padding: var(--space-5);
    color: #c3d0d6;
    text-align: center;
  }
  .flag {
    grid-area: 1 / 1;
    place-self: start;
    z-index: 1;
    margin: var(--space-3);
    padding: var(--space-1) var(--space-3);
    border-radius: var(--radius-small);
    background: var(--danger-soft);
    color: var(--danger);
    font-weight: 650;
  }
  .facts {
    position: absolute;
    inset: auto var(--space-3) var(--space-2);
    display: flex;
    justify-content: space-between;
    align-items: end;
    gap: var(--space-3);
    color: #e6eef1;
    font-size: var(--text-small);
    font-variant-numeric: tabular-nums;
    text-shadow: 0 0 3px #000, 0 0 3px #000;
    pointer-events: none;
  }
  .scale {
    border: solid #e6eef1;
    border-width: 0 2px 2px;
    padding: 0 var(--space-1);
    text-align: center;
    white-space: nowrap;
  }
  svg.layer path,
  svg.layer line {
    fill: none;
    stroke-linecap: round;
  }
  /* A dark edge under the line: it stands out on bright tissue as on dark. */
  .edge {
    stroke: var(--viewer);
    stroke-width: calc(4px / var(--scale, 1));
  }
  .line {
    stroke: var(--outline);
    stroke-width: calc(2px / var(--scale, 1));
  }
  .handle {
    fill: var(--viewer);
    stroke: var(--outline);
    stroke-width: calc(2px / var(--scale, 1));
    r: calc(4px / var(--scale, 1));
  }
  .handle.selected {
    fill: var(--outline);
    r: calc(6px / var(--scale, 1));
  }
  .line.ruler {
    stroke: #ffd166;
  }
  .controls {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--space-2) var(--space-4);
    margin-top: var(--space-2);
  }
  .map {
    display: flex;
    flex: 1 1 20rem;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--space-2) var(--space-4);
  }
  sp-viewer-tools {
    margin-top: var(--space-2);
  }
  label {
    display: inline-flex;
    align-items: center;
    gap: var(--space-2);
    min-height: 1.75rem;
  }
  input {
    accent-color: var(--accent);
  }
  input[type="checkbox"] {
    width: 1.125rem;
    height: 1.125rem;
    margin: 0;
  }
  input[type="range"] {
    flex: 1;
    min-width: 8rem;
  }
  figure:fullscreen {
    display: flex;
    flex-direction: column;
    padding: var(--space-3);
    background: var(--surface);
    overflow: auto;
  }
  figure:fullscreen .stage {
    flex: 1;
    aspect-ratio: auto;
    min-height: 10rem;
    max-height: none;
  }
  @media print {
    .stage {
      max-height: 9cm;
      print-color-adjust: exact;
      -webkit-print-color-adjust: exact;
    }
    sp-viewer-tools,
    label {
      display: none;
    }
  }
`;
