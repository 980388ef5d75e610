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
  .columns {
    display: grid;
    grid-template-columns: minmax(0, 5fr) minmax(0, 6fr);
    grid-template-rows: auto 1fr;
    gap: var(--space-5) var(--space-6);
    align-items: start;
  }
  /* Beside the image and its details; on a narrow page between them. */
  .answer {
    grid-area: 1 / 2 / span 2;
  }
  .eyebrow {
    color: var(--ink-soft);
    font-size: var(--text-body);
    font-weight: 600;
    letter-spacing: 0;
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
    .columns {
      grid-template: none / minmax(0, 1fr);
    }
    .answer {
      grid-area: auto;
    }
  }
`;
