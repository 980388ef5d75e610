/** The viewer is a part of its own, loaded with the first image. Until then its elements are undefined. */

const NAMES = ["sp-viewer", "sp-stack"];

/** In the viewer's place where its part cannot be fetched, for instance after an update of the server. */
class MissingViewer extends HTMLElement {
  connectedCallback(): void {
    this.textContent = "The viewer could not be loaded. Reload the page.";
  }
}

/** Call before the element is rendered; calling it again costs nothing. */
export function loadViewer(): void {
  import("./sp-stack").catch(() => {
    for (const name of NAMES) {
      if (!customElements.get(name)) customElements.define(name, class extends MissingViewer {});
    }
  });
}
