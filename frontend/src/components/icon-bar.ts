import { css, html, nothing } from "lit";
import { icons } from "./icons";

/** A row of icon buttons and choices. List it before the component's own styles, which give size and colours. */
export const iconBar = css`
  .bar {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--space-2);
  }
  .bar button {
    display: grid;
    place-items: center;
    padding: 0;
    border: 1px solid transparent;
    border-radius: var(--radius-small);
    background: transparent;
    color: var(--ink);
    font: inherit;
    cursor: pointer;
  }
  .bar select {
    min-height: 2.25rem;
    border: 1px solid var(--line-strong);
    border-radius: var(--radius-small);
    background: var(--surface);
    color: var(--ink);
    font: inherit;
    font-size: var(--text-small);
  }
`;

/** `pressed` is for buttons that stay in or out. */
export function iconButton(
  name: string,
  icon: keyof typeof icons,
  act: () => void,
  { pressed, disabled = false }: { pressed?: boolean; disabled?: boolean } = {},
) {
  return html`<button
    type="button"
    aria-label=${name}
    title=${name}
    aria-pressed=${pressed === undefined ? nothing : String(pressed)}
    ?disabled=${disabled}
    @click=${act}
  >
    ${icons[icon]}
  </button>`;
}
