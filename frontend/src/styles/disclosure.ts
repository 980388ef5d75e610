import { css } from "lit";

/** A `summary` in a row, with a chevron that points down, and up when the details are open. */
export const disclosure = css`
  summary {
    display: flex;
    align-items: center;
    cursor: pointer;
    list-style: none;
  }
  summary::-webkit-details-marker {
    display: none;
  }
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
