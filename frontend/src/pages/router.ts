/** The addresses of the page, with the History API. */

import type { RecordSearch } from "../api/client";
import { searchOf } from "../state/search";

export type Route =
  /** `study` and `image` are of a received series: the id of an unfinished study, or the CID of a pinned image. */
  | { page: "home"; study: string; image: string }
  | { page: "received" }
  | { page: "records"; search: RecordSearch }
  | { page: "record"; imageId: string; compared: string }
  | { page: "reviews" }
  | { page: "ledger" }
  | { page: "models" }
  | { page: "sign-in" | "register" | "account" | "people" }
  /** `token` is the secret of a mailed link, empty without one. */
  | { page: "reset" | "confirm"; token: string }
  | { page: "missing" };

export const TITLES: Record<Route["page"], string> = {
  home: "Record a medical image",
  received: "Received images",
  records: "Records",
  record: "Provenance record",
  reviews: "Reviews",
  ledger: "Ledger",
  models: "Models",
  "sign-in": "Sign in",
  register: "Register",
  reset: "Set a new password",
  confirm: "Confirm your address",
  account: "Your account",
  people: "People",
  missing: "Page not found",
};

export function parseRoute({ pathname, searchParams, hash }: URL): Route {
  const [first = "", second, ...rest] = pathname.replace(/^\/|\/$/g, "").split("/");
  if (rest.length > 0) return { page: "missing" };
  if ((first === "records" || first === "studies") && second) {
    return { page: "record", imageId: second.toLowerCase(), compared: (searchParams.get("with") ?? "").toLowerCase() };
  }
  if (first === "account" && second === "confirm") return { page: "confirm", token: hash.slice(1) };
  if (first === "account" && second === "people") return { page: "people" };
  if (second !== undefined) return { page: "missing" };
  if (first === "") return { page: "home", study: searchParams.get("study") ?? "", image: searchParams.get("image") ?? "" };
  if (first === "records") return { page: "records", search: searchOf(searchParams) };
  if (first === "reviews" || first === "ledger" || first === "models" || first === "received") return { page: first };
  if (first === "reset") return { page: "reset", token: hash.slice(1) };
  if (first === "sign-in" || first === "register" || first === "account") return { page: first };
  return { page: "missing" };
}

/** `change` is dispatched after every change of `route` that a person made. */
export class Router extends EventTarget {
  route: Route = parseRoute(new URL(location.href));

  start(): void {
    window.addEventListener("popstate", () => this.changed());
    window.addEventListener("click", (event) => {
      const link = event.composedPath().find((node) => node instanceof HTMLAnchorElement);
      const modified = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0;
      if (!link || modified || event.defaultPrevented || link.target || link.hasAttribute("download")) return;
      const isPage = link.origin === location.origin && !link.pathname.startsWith("/api/");
      if (!isPage) return;
      event.preventDefault();
      this.go(link.href);
    });
  }

  go(href: string): void {
    if (href !== location.href) history.pushState(null, "", href);
    this.changed();
  }

  /** The address without what was opened by it: a reload must not open it again. */
  forget(): void {
    history.replaceState(null, "", location.pathname);
  }

  private changed(): void {
    this.route = parseRoute(new URL(location.href));
    window.scrollTo(0, 0);
    this.dispatchEvent(new Event("change"));
  }
}
