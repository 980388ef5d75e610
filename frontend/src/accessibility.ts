/** What people with a screen reader or a keyboard need beyond the markup. */

const EVENT = "scanproof:announce";

/** Announces a visible change to screen readers, through the page's one live region. */
export function announce(text: string): void {
  window.dispatchEvent(new CustomEvent(EVENT, { detail: text }));
}

export function onAnnouncement(listener: (text: string) => void): void {
  window.addEventListener(EVENT, (event) => listener((event as CustomEvent<string>).detail));
}

/**
 * When the button that had the focus disappears, the focus falls to the body: a screen reader then starts again at the
 * top of the page. This takes it to the part that came in the button's place, marked `data-focus`.
 */
export function recoverFocus(root: ParentNode): void {
  if (document.activeElement !== document.body) return;
  root.querySelector<HTMLElement>("[data-focus]")?.focus({ preventScroll: true });
}
