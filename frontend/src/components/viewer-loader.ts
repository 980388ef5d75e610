/** The viewers are parts of their own, loaded with the first image that needs one. Until then they are undefined. */

/** In a viewer's place where its part cannot be fetched, for instance after an update of the server. */
class MissingViewer extends HTMLElement {
  connectedCallback(): void {
    this.textContent = "The viewer could not be loaded. Reload the page.";
  }
}

/** Call before the element is rendered; calling it again costs nothing. */
export function loadViewer(): void {
  load(import("./sp-stack"), ["sp-viewer", "sp-stack"]);
}

/** The same for the viewer of whole slides. */
export function loadSlideViewer(): void {
  load(import("./sp-slide-viewer"), ["sp-slide-viewer"]);
}

function load(part: Promise<unknown>, names: readonly string[]): void {
  part.catch(() => {
    for (const name of names) {
      if (!customElements.get(name)) customElements.define(name, class extends MissingViewer {});
    }
  });
}
