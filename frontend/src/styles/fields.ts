import { css } from "lit";

/** What is typed in or chosen from. */
export const fields = css`
  input,
  select,
  textarea {
    min-width: 0;
    min-height: 2.75rem;
    padding: var(--space-2) var(--space-3);
    border: 1px solid var(--line-strong);
    border-radius: var(--radius-small);
    background: var(--surface);
    color: var(--ink);
    font: inherit;
  }
`;
