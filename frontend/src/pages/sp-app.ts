import { LitElement, html, nothing } from "lit";
import { customElement, query, state } from "lit/decorators.js";
import { onAnnouncement } from "../accessibility";
import { api, type RecordSearch } from "../api/client";
import type { Config } from "../api/types";
import { wallet } from "../chain/wallet";
import { Router, TITLES, type Route } from "./router";
import { describe, type Problem } from "../state/problems";
import { withSearch } from "../state/search";
import { shared } from "../styles/shared";
import { theme, toggleTheme } from "../theme";
import { appStyles } from "./app-styles";
import { icons, logo } from "../components/icons";
import "../components/sp-account-menu";
import "../components/sp-notice";
import "./sp-home";
import "./sp-ledger";
import "./sp-not-found";
import "./sp-models";
import "./sp-received";
import "./sp-record";
import "./sp-records";
import "./sp-reviews";

const RETRY_MS = 3000;
const LINKS: [href: string, text: string, pages: Route["page"][]][] = [
  ["/", "Record", ["home"]],
  ["/records", "Records", ["records", "record"]],
  ["/reviews", "Reviews", ["reviews"]],
  ["/ledger", "Ledger", ["ledger"]],
  ["/models", "Models", ["models"]],
];

/** The frame of every page: header, navigation, footer, live region. */
@customElement("sp-app")
export class App extends LitElement {
  static override styles = [shared, appStyles];

  @state() private config: Config | null = null;
  @state() private problem: Problem | null = null;
  @state() private announcement = "";
  @state() private visitedHome = false;
  /** The opened study or image of the start page, which stays when the person looks elsewhere. */
  private opened: Extract<Route, { page: "home" }> = { page: "home", study: "", image: "" };
  /** How many series wait that a PACS sent. */
  @state() private received = 0;
  @query("main") private main!: HTMLElement;
  @query("main .inner > :not([hidden])") private shownPage!: LitElement | null;
  private readonly router = new Router();

  override connectedCallback(): void {
    super.connectedCallback();
    onAnnouncement((text) => (this.announcement = text));
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.requestUpdate());
    this.router.addEventListener("change", () => void this.moved());
    this.router.start();
    wallet.start();
    void this.load();
  }

  protected override willUpdate(): void {
    const { page } = this.router.route;
    this.visitedHome ||= page === "home";
    this.open(this.router.route);
    document.title = `${TITLES[page]} · ScanProof`;
  }

  protected override render() {
    const { page } = this.router.route;
    const other = theme() === "dark" ? "light" : "dark";
    return html`
      <header>
        <div class="inner">
          <button class="skip button" type="button" @click=${() => this.main.focus()}>Skip to content</button>
          <a class="home" href="/">${logo}ScanProof</a>
          <nav aria-label="Main">
            <ul>
              ${LINKS.map(
                ([href, text, pages]) =>
                  html`<li><a href=${href} aria-current=${pages.includes(page) ? "page" : nothing}>${text}</a></li>`,
              )}
              ${this.received > 0 || page === "received" ? this.receivedLink(page) : nothing}
            </ul>
          </nav>
          ${this.config ? html`<sp-account-menu class="account" .chain=${this.config.chain}></sp-account-menu>` : nothing}
          <button class="theme button quiet" type="button" aria-label="Use ${other} theme" @click=${this.switchTheme}>
            ${other === "dark" ? icons.moon : icons.sun}
          </button>
        </div>
      </header>
      <main tabindex="-1"><div class="inner">${this.config ? this.page(this.config) : this.loading()}</div></main>
      <footer>
        <div class="inner">
          <p data-testid="not-for-diagnosis">${this.config?.notice}</p>
          ${this.config ? html`<p>ScanProof ${this.config.version} · ${this.config.chain.name}</p>` : nothing}
        </div>
      </footer>
      <p class="visually-hidden" role="status" aria-live="polite" data-testid="announcer">${this.announcement}</p>
    `;
  }

  private page(config: Config) {
    const { route } = this.router;
    // The start page stays alive while the person looks elsewhere: an upload goes on.
    const home = this.visitedHome
      ? html`<sp-home
          ?hidden=${route.page !== "home"}
          .config=${config}
          .opened=${this.opened}
          @recorded=${() => void this.count()}
        ></sp-home>`
      : nothing;
    return html`${home}${this.otherPage(route, config)}`;
  }

  private otherPage(route: Route, config: Config) {
    switch (route.page) {
      case "home":
        return nothing;
      case "received":
        return html`<sp-received
          .config=${config}
          @counted=${({ detail }: CustomEvent<number>) => (this.received = detail)}
          @open=${({ detail }: CustomEvent<string>) => this.router.go(detail)}
        ></sp-received>`;
      case "records":
        return html`<sp-records .search=${route.search} @search=${this.search}></sp-records>`;
      case "record":
        return html`<sp-record
          .imageId=${route.imageId}
          .compared=${route.compared}
          .config=${config}
          @compare=${({ detail }: CustomEvent<string>) => this.router.go(`/records/${route.imageId}${detail ? `?with=${encodeURIComponent(detail)}` : ""}`)}
        ></sp-record>`;
      case "reviews":
        return html`<sp-reviews .config=${config}></sp-reviews>`;
      case "ledger":
        return html`<sp-ledger .config=${config}></sp-ledger>`;
      case "models":
        return html`<sp-models></sp-models>`;
      case "missing":
        return html`<sp-not-found></sp-not-found>`;
    }
  }

  private open(route: Route): void {
    if (route.page !== "home" || (!route.study && !route.image) || route === this.opened) return;
    this.opened = route;
    this.router.forget();
  }

  private receivedLink(page: Route["page"]) {
    return html`<li>
      <a href="/received" aria-current=${page === "received" ? "page" : nothing}
        >Received${this.received > 0 ? html` <span class="count">${this.received}</span>` : nothing}</a
      >
    </li>`;
  }

  /** The link is no use without images, so that an error only leaves it out. */
  private async count(): Promise<void> {
    try {
      this.received = (await api.received()).series.length;
    } catch {
      this.received = 0;
    }
  }

  private loading() {
    const title = html`<h1 tabindex="-1">${TITLES[this.router.route.page]}</h1>`;
    if (!this.problem) return html`${title}<p class="busy soft"><span class="spinner"></span>Loading …</p>`;
    return html`<div class="stack">
      ${title}
      <sp-notice .problem=${this.problem} level="2">
        <button class="button" type="button" @click=${this.load}>Try again</button>
      </sp-notice>
    </div>`;
  }

  private async load(): Promise<void> {
    try {
      this.config = await api.config();
      this.problem = null;
      void this.count();
    } catch (error) {
      this.problem = describe(error);
      window.setTimeout(() => this.config ?? void this.load(), RETRY_MS);
    }
  }

  private async moved(): Promise<void> {
    this.requestUpdate();
    if (this.router.route.page !== "received") void this.count();
    await this.updateComplete;
    await this.shownPage?.updateComplete;
    this.shownPage?.shadowRoot?.querySelector("h1")?.focus({ preventScroll: true });
  }

  private search({ detail }: CustomEvent<RecordSearch>): void {
    this.router.go(withSearch("/records", detail));
  }

  private switchTheme(): void {
    toggleTheme();
    this.requestUpdate();
  }
}
