import { css } from "lit";

/** Classes named after what is to be told; neutral information without one. */
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
