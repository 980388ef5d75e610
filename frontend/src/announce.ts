const EVENT = "scanproof:announce";

/** Tells a screen reader, through the page's one live region, what sighted people see change. */
export function announce(text: string): void {
  window.dispatchEvent(new CustomEvent(EVENT, { detail: text }));
}

export function onAnnouncement(listener: (text: string) => void): void {
  window.addEventListener(EVENT, (event) => listener((event as CustomEvent<string>).detail));
}
