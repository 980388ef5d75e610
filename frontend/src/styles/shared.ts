import { css } from "lit";

/** What every component shares: type, links, buttons, panels, lists of terms. */
export const shared = css`
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  :host {
    display: block;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  h1,
  h2,
  h3,
  p,
  ul,
  ol,
  dl,
  dd,
  figure {
    margin: 0;
    padding: 0;
  }
  h1,
  h2,
  h3 {
    line-height: 1.25;
    font-weight: 650;
    letter-spacing: -0.01em;
    text-wrap: balance;
  }
  h1 {
    font-size: var(--text-h1);
  }
  h2 {
    font-size: var(--text-h2);
  }
  h3 {
    font-size: var(--text-h3);
  }
  ul,
  ol {
    list-style: none;
  }
  a {
    color: var(--accent);
    text-underline-offset: 0.15em;
  }
  a:hover {
    color: var(--accent-hover);
  }
  code,
  .mono {
    font-family: var(--mono);
    font-size: 0.9em;
    overflow-wrap: anywhere;
  }
  :focus-visible {
    outline: 3px solid var(--focus);
    outline-offset: 2px;
    border-radius: var(--radius-small);
  }
  h1:focus,
  h2:focus,
  [data-focus]:focus {
    outline: none;
  }
  .soft {
    color: var(--ink-soft);
  }
  .small {
    font-size: var(--text-small);
  }
  .lead {
    color: var(--ink-soft);
    font-size: var(--text-large);
    max-width: 44rem;
    text-wrap: pretty;
  }
  .headline {
    font-size: var(--text-display);
    font-weight: 680;
    letter-spacing: -0.02em;
    line-height: 1.15;
    text-wrap: balance;
  }
  .panel {
    background: var(--surface);
    border: 1px solid var(--line);
    border-radius: var(--radius);
    box-shadow: var(--shadow);
    padding: clamp(var(--space-4), 3vw, var(--space-5));
  }
  .stack > * + * {
    margin-top: var(--space-4);
  }
  .actions {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-3);
    align-items: center;
  }
  .button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: var(--space-2);
    min-height: 2.75rem;
    padding: var(--space-2) var(--space-4);
    border: 1px solid var(--line-strong);
    border-radius: var(--radius-small);
    background: var(--surface);
    color: var(--ink);
    font: 600 var(--text-body) / 1.3 var(--font);
    text-align: center;
    text-decoration: none;
    cursor: pointer;
    transition: background-color 120ms, border-color 120ms;
  }
  .button:hover {
    background: var(--sunken);
    color: var(--ink);
  }
  .button.primary {
    background: var(--accent);
    border-color: var(--accent);
    color: var(--on-accent);
  }
  .button.primary:hover {
    background: var(--accent-hover);
    border-color: var(--accent-hover);
  }
  .button.quiet {
    border-color: transparent;
    background: transparent;
    color: var(--accent);
    padding-inline: var(--space-2);
  }
  .button.quiet:hover {
    background: var(--accent-soft);
  }
  .button:disabled,
  .button.primary:disabled {
    border-color: var(--line);
    background: var(--sunken);
    color: var(--ink-soft);
    cursor: not-allowed;
  }
  .button.quiet:disabled {
    border-color: transparent;
    background: transparent;
  }
  .terms {
    display: grid;
    grid-template-columns: minmax(7rem, max-content) minmax(0, 1fr);
    gap: var(--space-2) var(--space-5);
  }
  .terms dt {
    color: var(--ink-soft);
  }
  .terms dd {
    overflow-wrap: anywhere;
    font-variant-numeric: tabular-nums;
  }
  @media (max-width: 36rem) {
    .terms {
      grid-template-columns: minmax(0, 1fr);
      gap: 0;
    }
    .terms dd {
      margin-bottom: var(--space-3);
    }
  }
  /* Its place is kept until it is loaded. */
  sp-viewer:not(:defined),
  sp-slide-viewer:not(:defined),
  sp-stack:not(:defined) {
    display: block;
    aspect-ratio: 1;
    max-height: 32rem;
    border-radius: var(--radius-small);
    background: var(--viewer);
  }
  .visually-hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  .icon {
    flex: none;
    width: 1.25em;
    height: 1.25em;
  }
  progress {
    display: block;
    width: 100%;
    height: 0.5rem;
    border: 0;
    border-radius: 1rem;
    overflow: hidden;
    background: var(--sunken);
    appearance: none;
  }
  progress::-webkit-progress-bar {
    background: var(--sunken);
  }
  progress::-webkit-progress-value {
    background: var(--accent);
  }
  progress::-moz-progress-bar {
    background: var(--accent);
  }
  .spinner {
    flex: none;
    width: 1.1em;
    height: 1.1em;
    border: 2px solid var(--line-strong);
    border-top-color: var(--accent);
    border-radius: 50%;
    animation: spin 900ms linear infinite;
  }
  .busy {
    display: flex;
    align-items: center;
    gap: var(--space-3);
  }
  @keyframes spin {
    to {
      transform: rotate(1turn);
    }
  }
  .on-paper {
    display: none;
  }
  @media print {
    /* What only works on a screen; the content stays. */
    button,
    .button,
    .on-screen,
    .spinner,
    summary::after {
      display: none !important;
    }
    .on-paper {
      display: revert;
    }
    .panel {
      padding: var(--space-3) 0 0;
      border-width: 1px 0 0;
      border-radius: 0;
    }
    h1,
    h2,
    h3 {
      break-after: avoid;
    }
    dt,
    li,
    tr,
    figure {
      break-inside: avoid;
    }
    a {
      color: inherit;
    }
    a[href^="http"]::after {
      content: " (" attr(href) ")";
      overflow-wrap: anywhere;
    }
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
      animation: none !important;
      transition: none !important;
    }
  }
`;
