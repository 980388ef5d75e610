import { css } from "lit";

/** A class for each tone of a message; without one, it is neutral information. */
export const tones = css`
  .success {
    --tone: var(--success);
    --tone-soft: var(--success-soft);
  }
  .warning {
    --tone: var(--warning);
    --tone-soft: var(--warning-soft);
  }
  .danger {
    --tone: var(--danger);
    --tone-soft: var(--danger-soft);
  }
`;
