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

/** A toolbar of such buttons, with the list of its keys behind it. */
export const toolbar = css`
  .bar {
    row-gap: var(--space-1);
  }
  .tools {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-1);
  }
  .bar button {
    width: 2.25rem;
    height: 2.25rem;
  }
  .bar button:hover {
    background: var(--sunken);
  }
  .bar button[aria-pressed="true"] {
    border-color: var(--accent);
    background: var(--accent-soft);
    color: var(--accent);
  }
  @media (pointer: coarse) {
    .bar button {
      width: 2.75rem;
      height: 2.75rem;
    }
  }
  .keys {
    color: var(--ink-soft);
    font-size: var(--text-small);
  }
  .keys[open] {
    flex-basis: 100%;
  }
  .keys summary {
    cursor: pointer;
  }
  kbd {
    color: var(--ink);
    font: inherit;
    font-weight: 600;
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

/** Keys and what they do. */
export function keyList(keys: readonly (readonly [keys: string, does: string])[]) {
  return html`<details class="keys">
    <summary>Keyboard shortcuts</summary>
    <ul>
      ${keys.map(([names, does]) => html`<li><kbd>${names}</kbd>: ${does}</li>`)}
    </ul>
  </details>`;
}
