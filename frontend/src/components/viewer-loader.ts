/** The viewer is a part of its own, loaded with the first image. Until then `sp-viewer` is an undefined element. */

const NAME = "sp-viewer";

/** In the viewer's place where its part cannot be fetched, for instance after an update of the server. */
class MissingViewer extends HTMLElement {
  connectedCallback(): void {
    this.textContent = "The viewer could not be loaded. Reload the page.";
  }
}

/** Call before the element is rendered; calling it again costs nothing. */
export function loadViewer(): void {
  import("./sp-viewer").catch(() => {
    if (!customElements.get(NAME)) customElements.define(NAME, MissingViewer);
  });
}
