import { css } from "lit";

export const homeStyles = css`
  .page {
    display: grid;
    gap: var(--space-5);
  }
  .intro {
    display: grid;
    gap: var(--space-3);
  }
  /* Once an image is chosen, the first screen belongs to it. */
  .small-title {
    font-size: var(--text-h3);
  }
  .columns {
    display: grid;
    grid-template-columns: minmax(0, 5fr) minmax(0, 6fr);
    gap: var(--space-5) var(--space-6);
    align-items: start;
  }
  .eyebrow {
    color: var(--ink-soft);
    font-size: var(--text-body);
    font-weight: 600;
    letter-spacing: 0;
  }
  .signature {
    padding-top: var(--space-4);
    border-top: 1px solid var(--line);
  }
  /* A quiet button has no edge: its text lines up with what is above. */
  .restart {
    margin-left: calc(-1 * var(--space-2));
  }
  .recorded {
    border-color: var(--success);
    box-shadow: inset 0 4px 0 var(--success), var(--shadow);
  }
  @media (max-width: 52rem) {
    .page {
      gap: var(--space-4);
    }
    .columns {
      grid-template-columns: minmax(0, 1fr);
    }
    .answer {
      order: -1;
    }
    .answer > * + * {
      margin-top: var(--space-3);
    }
  }
`;
