import { css } from "lit";

/** The chevron of `details`: it points down, and up when they are open. `summary` is a flex box. */
export const disclosure = css`
  summary::after {
    content: "";
    flex: none;
    width: 0.5rem;
    height: 0.5rem;
    margin-left: auto;
    margin-right: var(--space-2);
    border: solid var(--ink-soft);
    border-width: 0 2px 2px 0;
    rotate: 45deg;
  }
  details[open] summary::after {
    rotate: 225deg;
  }
`;
