import { css } from "lit";

/** Tables of figures, which scroll on their own where the page is narrow. */
export const tables = css`
  .scroll {
    overflow-x: auto;
  }
  table {
    border-collapse: collapse;
    font-size: var(--text-small);
    font-variant-numeric: tabular-nums;
  }
  th,
  td {
    padding: var(--space-2) var(--space-4) var(--space-2) 0;
    border-bottom: 1px solid var(--line);
    text-align: left;
    vertical-align: top;
  }
  th {
    font-weight: 600;
  }
  thead th {
    color: var(--ink-soft);
  }
  td .interval {
    display: block;
    color: var(--ink-soft);
    white-space: nowrap;
  }
`;
