import { css } from "lit";

/** Inputs, selects and text areas. */
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

/** Radio buttons as cards, each with its name and a line about it, at least as wide as `--choice`. */
export const choices = css`
  fieldset {
    margin: 0;
    padding: 0;
    border: 0;
  }
  legend {
    padding: 0;
    margin-bottom: var(--space-2);
    font-weight: 650;
  }
  .choices {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(min(var(--choice, 17rem), 100%), 1fr));
    gap: var(--space-3);
  }
  .choices + p {
    margin-top: var(--space-2);
  }
  .choice {
    display: grid;
    grid-template-columns: auto minmax(0, 1fr);
    gap: 0 var(--space-3);
    align-content: start;
    padding: var(--space-3) var(--space-4);
    border: 1px solid var(--line-strong);
    border-radius: var(--radius-small);
    cursor: pointer;
  }
  .choice:has(:checked) {
    border-color: var(--accent);
    background: var(--accent-soft);
    box-shadow: inset 0 0 0 1px var(--accent);
  }
  .choice input {
    width: 1.125rem;
    min-height: 0;
    height: 1.125rem;
    margin: 0.2rem 0 0;
    accent-color: var(--accent);
  }
  .choice .small {
    grid-column: 2;
  }
`;
