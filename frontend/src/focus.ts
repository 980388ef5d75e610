/**
 * When the button that had the focus disappears, the focus falls to the body: a screen reader then starts again at the
 * top of the page. This takes it to the part that came in the button's place, marked `data-focus`.
 */
export function recoverFocus(root: ParentNode): void {
  if (document.activeElement !== document.body) return;
  root.querySelector<HTMLElement>("[data-focus]")?.focus({ preventScroll: true });
}
