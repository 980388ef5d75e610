import { LitElement, html, nothing } from "lit";
import { customElement, query, state } from "lit/decorators.js";
import { announce, onAnnouncement } from "../accessibility";
import { accounts } from "../api/accounts";
import { api, type RecordSearch } from "../api/client";
import { onSignedOut } from "../api/transport";
import type { Account, Config, CurrentSession } from "../api/types";
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
import "./sp-account";
import "./sp-home";
import "./sp-ledger";
import "./sp-not-found";
import "./sp-models";
import "./sp-people";
import "./sp-received";
import "./sp-register";
import "./sp-reset";
import "./sp-record";
import "./sp-records";
import "./sp-reviews";
import "./sp-sign-in";

const RETRY_MS = 3000;
const LINKS: [href: string, text: string, pages: Route["page"][]][] = [
  ["/", "Record", ["home"]],
  ["/records", "Records", ["records", "record"]],
  ["/reviews", "Reviews", ["reviews"]],
  ["/ledger", "Ledger", ["ledger"]],
  ["/models", "Models", ["models"]],
];

/** The pages for whoever is not signed in. */
const FOR_STRANGERS: Route["page"][] = ["sign-in", "register", "reset", "confirm"];
/** The pages of a server with accounts. */
const OF_ACCOUNTS: Route["page"][] = [...FOR_STRANGERS, "account", "people"];

/** The frame of every page: header, navigation, footer, live region. */
@customElement("sp-app")
export class App extends LitElement {
  static override styles = [shared, appStyles];

  @state() private config: Config | null = null;
  @state() private session: CurrentSession | null = null;
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
    onSignedOut(() => this.signedOut());
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
          ${this.config
            ? html`<sp-account-menu
                class="account"
                .chain=${this.config.chain}
                .session=${this.session}
                @sign-out=${() => void this.signOut()}
              ></sp-account-menu>`
            : nothing}
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
    const route = this.allowed(this.router.route);
    // The start page stays alive while the person looks elsewhere: an upload goes on.
    const isStranger = this.session?.accounts === true && !this.session.account?.approved;
    const home = this.visitedHome && !isStranger
      ? html`<sp-home
          ?hidden=${route.page !== "home"}
          .config=${config}
          .opened=${this.opened}
          @recorded=${() => void this.count()}
        ></sp-home>`
      : nothing;
    return html`${home}${this.otherPage(route, config)}`;
  }

  /** The page that is shown at an address: without a session that for signing in, without accounts none of theirs. */
  private allowed(route: Route): Route {
    const { accounts: on, account } = this.session ?? {};
    if (!on) return OF_ACCOUNTS.includes(route.page) ? { page: "missing" } : route;
    if (!account) return FOR_STRANGERS.includes(route.page) ? route : { page: "sign-in" };
    // Whoever waits for approval sees the own account alone.
    return account.approved || FOR_STRANGERS.includes(route.page) ? route : { page: "account" };
  }

  private otherPage(route: Route, config: Config) {
    const account = this.session?.account ?? null;
    const begun = ({ detail }: CustomEvent<CurrentSession>) => this.signedIn(detail);
    switch (route.page) {
      case "sign-in":
        return html`<sp-sign-in .chain=${config.chain} @signed-in=${begun}></sp-sign-in>`;
      case "register":
        return html`<sp-register></sp-register>`;
      case "reset":
      case "confirm":
        return html`<sp-reset .token=${route.token} ?confirms=${route.page === "confirm"} @signed-in=${begun}></sp-reset>`;
      case "account":
        return html`<sp-account
          .account=${account}
          .chain=${config.chain}
          @changed=${({ detail }: CustomEvent<Account>) => this.session && (this.session = { ...this.session, account: detail })}
          @signed-in=${({ detail }: CustomEvent<CurrentSession>) => (this.session = detail)}
          @closed=${() => this.signedOut("/sign-in")}
        ></sp-account>`;
      case "people":
        return account?.role === "administrator"
          ? html`<sp-people .accountId=${account.accountId}></sp-people>`
          : html`<sp-not-found></sp-not-found>`;
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

  private signedIn(session: CurrentSession): void {
    this.session = session;
    announce(`You are signed in as ${session.account?.name ?? ""}.`);
    // A page that asked for a sign-in is shown now; the others are of no use to whoever is signed in.
    if (FOR_STRANGERS.includes(this.router.route.page)) this.router.go("/");
    else void this.moved();
  }

  private signedOut(goTo = ""): void {
    if (!this.session?.account) return;
    this.session = { ...this.session, account: null, sessionId: null, method: null };
    announce("You are signed out.");
    if (goTo) this.router.go(goTo);
  }

  private async signOut(): Promise<void> {
    try {
      await accounts.signOut();
      this.signedOut("/sign-in");
    } catch (error) {
      this.problem = describe(error);
      announce(this.problem.title);
    }
  }

  private open(route: Route): void {
    // The secret of a link must not stay in the address, where the next person at this screen reads it.
    if ((route.page === "reset" || route.page === "confirm") && location.hash) this.router.forget();
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
    const { accounts: on, account } = this.session ?? {};
    if (on && (account?.role !== "doctor" || !account.approved)) {
      this.received = 0;
      return;
    }
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
      [this.config, this.session] = await Promise.all([api.config(), accounts.session()]);
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
