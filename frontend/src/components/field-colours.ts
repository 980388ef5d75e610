import { css } from "lit";

/** The colours of a slide's fields by the classes of `colourOf`, as `--field`. On the viewer's black in both themes. */
export const fieldColours = css`
  .of-1 {
    --field: var(--field-1);
  }
  .of-2 {
    --field: var(--field-2);
  }
  .of-3 {
    --field: var(--field-3);
  }
  .of-4 {
    --field: var(--field-4);
  }
  .none {
    --field: var(--field-none);
  }
`;
