import { svg, html, type TemplateResult } from "lit";

const icon = (shape: TemplateResult): TemplateResult => html`<svg
  class="icon"
  viewBox="0 0 24 24"
  fill="none"
  stroke="currentColor"
  stroke-width="2"
  stroke-linecap="round"
  stroke-linejoin="round"
  aria-hidden="true"
>
  ${shape}
</svg>`;

export const icons = {
  info: icon(svg`<circle cx="12" cy="12" r="9" /><path d="M12 11v5M12 7.6v.1" />`),
  success: icon(svg`<circle cx="12" cy="12" r="9" /><path d="m8 12.5 2.7 2.7L16 9.5" />`),
  warning: icon(svg`<path d="M12 4 2.8 19.5h18.4L12 4ZM12 10.5v4M12 17.2v.1" />`),
  danger: icon(svg`<path d="M8.3 3h7.4L21 8.3v7.4L15.7 21H8.3L3 15.7V8.3L8.3 3ZM12 8v5M12 16.2v.1" />`),
  cross: icon(svg`<circle cx="12" cy="12" r="9" /><path d="m9 9 6 6M15 9l-6 6" />`),
  copy: icon(svg`<rect x="9" y="9" width="11" height="11" rx="2" /><path d="M5 15V6a2 2 0 0 1 2-2h9" />`),
  upload: icon(svg`<path d="M12 16V5M7 9.5 12 4.5l5 5M4 16v2a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-2" />`),
  external: icon(svg`<path d="M14 4h6v6M20 4l-9 9M18 14v4a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2h4" />`),
  sun: icon(svg`<circle cx="12" cy="12" r="4" /><path d="M12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1.1 1.1M17.3 17.3l1.1 1.1M5.6 18.4l1.1-1.1M17.3 6.7l1.1-1.1" />`),
  moon: icon(svg`<path d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z" />`),
  wallet: icon(svg`<rect x="3" y="6" width="18" height="13" rx="2" /><path d="M3 10h18M16 14.5h1.5" />`),
  zoomIn: icon(svg`<circle cx="11" cy="11" r="7" /><path d="m20 20-4-4M11 8v6M8 11h6" />`),
  zoomOut: icon(svg`<circle cx="11" cy="11" r="7" /><path d="m20 20-4-4M8 11h6" />`),
  move: icon(svg`<path d="M12 3v18M3 12h18M12 3 9.5 5.5M12 3l2.5 2.5M12 21l-2.5-2.5M12 21l2.5-2.5M3 12l2.5-2.5M3 12l2.5 2.5M21 12l-2.5-2.5M21 12l-2.5 2.5" />`),
  contrast: icon(svg`<circle cx="12" cy="12" r="9" /><path d="M12 3v18a9 9 0 0 0 0-18Z" fill="currentColor" />`),
  invert: icon(svg`<rect x="4" y="4" width="16" height="16" rx="2" /><path d="M20 4 4 20h14a2 2 0 0 0 2-2V4Z" fill="currentColor" />`),
  ruler: icon(svg`<path d="m3 16 13-13 5 5L8 21l-5-5ZM7 12l2 2M10 9l3 3M13 6l2 2" />`),
  pencil: icon(svg`<path d="M4 20l1-5L16 4l4 4L9 19l-5 1ZM13.5 6.5l4 4" />`),
  reset: icon(svg`<path d="M4 5v5h5M4.6 10a8 8 0 1 1-.5 4" />`),
  rotate: icon(svg`<path d="M20 5v5h-5M19.4 10a8 8 0 1 0 .5 4" />`),
  whole: icon(svg`<rect x="3" y="5" width="18" height="14" rx="2" /><path d="M8 12h8M8 12l2-2M8 12l2 2M16 12l-2-2M16 12l-2 2" />`),
  fullScreen: icon(svg`<path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5" />`),
  play: icon(svg`<path d="M7 4.5v15l12-7.5-12-7.5Z" />`),
  pause: icon(svg`<path d="M8 5v14M16 5v14" />`),
  previous: icon(svg`<path d="m15 5-7 7 7 7" />`),
  next: icon(svg`<path d="m9 5 7 7-7 7" />`),
};

/** Four corners of a viewfinder around a check mark: scan, proof. */
export const logo = html`<svg class="logo" viewBox="0 0 32 32" fill="none" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
  <path class="frame" d="M4 11V8a4 4 0 0 1 4-4h3M21 4h3a4 4 0 0 1 4 4v3M28 21v3a4 4 0 0 1-4 4h-3M11 28H8a4 4 0 0 1-4-4v-3" stroke="currentColor" stroke-width="2.4" />
  <path d="m9.5 16.5 4.5 4.5 8.5-10" stroke="currentColor" stroke-width="3.2" />
</svg>`;
