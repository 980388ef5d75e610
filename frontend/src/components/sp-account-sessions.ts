import { LitElement, css, html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import { announce } from "../accessibility";
import { accounts } from "../api/accounts";
import type { AccountEvent, Session } from "../api/types";
import { isoTime, printable, time } from "../format";
import { describe, type Problem } from "../state/problems";
import { shared } from "../styles/shared";
import { tables } from "../styles/tables";
import { LoadController } from "./load-controller";
import { loadNotice } from "./load-notice";
import "./sp-notice";

const KINDS: Record<AccountEvent["kind"], string> = {
  "signed-in": "Signed in",
  "sign-in-failed": "Sign-in failed",
  "code-asked": "Password right, code asked for",
  "signed-out": "Signed out",
  registered: "Registered",
  "password-changed": "Password changed",
  "reset-sent": "Link for a new password mailed",
  "password-reset": "New password set by a link",
  "session-ended": "Session ended",
  "profile-changed": "Profile changed",
  "role-changed": "Role changed",
  "codes-on": "One-time codes turned on",
  "codes-off": "One-time codes turned off",
  "passkey-added": "Passkey added",
  "passkey-removed": "Passkey removed",
  "wallet-linked": "Wallet linked",
  "wallet-removed": "Wallet removed",
  "key-added": "Key added",
  "key-ended": "Key ended",
  "wrap-added": "Way to open a key added",
  "wrap-removed": "Way to open a key removed",
  closed: "Closed",
};
const SHOWN = 20;

/** Where the own account is signed in, and what happened to it. */
@customElement("sp-account-sessions")
export class AccountSessions extends LitElement {
  static override styles = [
    shared,
    tables,
    css`
      li {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        justify-content: space-between;
        gap: var(--space-2) var(--space-4);
        padding-block: var(--space-2);
        border-bottom: 1px solid var(--line);
      }
      li span {
        overflow-wrap: anywhere;
      }
      td {
        overflow-wrap: anywhere;
      }
    `,
  ];

  @state() private all = false;
  @state() private problem: Problem | null = null;
  private readonly sessions = new LoadController<Session[]>(this);
  private readonly events = new LoadController<AccountEvent[]>(this);

  override connectedCallback(): void {
    super.connectedCallback();
    this.sessions.show("sessions", () => accounts.sessions());
    this.events.show("events", () => accounts.events());
  }

  protected override render() {
    return html`<div class="stack">
      <section class="panel stack" aria-labelledby="sessions">
        <h2 id="sessions">Where you are signed in</h2>
        ${loadNotice(this.sessions)} ${this.problem ? html`<sp-notice .problem=${this.problem}></sp-notice>` : nothing}
        <ul>
          ${this.sessions.value?.map((session) => this.session(session))}
        </ul>
        ${(this.sessions.value?.length ?? 0) > 1
          ? html`<div class="actions">
              <button class="button" type="button" @click=${() => void this.end()}>End all others</button>
            </div>`
          : nothing}
      </section>
      <section class="panel stack" aria-labelledby="log">
        <h2 id="log">Log</h2>
        ${loadNotice(this.events)} ${this.events.value ? this.log(this.events.value) : nothing}
      </section>
    </div>`;
  }

  private session({ sessionId, current, agent, client, lastAt, method }: Session) {
    return html`<li data-testid="session">
      <span
        >${browserName(agent)} <span class="soft small">from ${printable(client)}, by ${method}, used ${time(lastAt)}</span></span
      >
      ${current
        ? html`<strong class="small">This browser</strong>`
        : html`<button class="button" type="button" @click=${() => void this.end(sessionId)}>End</button>`}
    </li>`;
  }

  private log(events: AccountEvent[]) {
    const shown = this.all ? events : events.slice(0, SHOWN);
    return html`<div class="scroll" tabindex="0" role="region" aria-label="Log of the account">
        <table>
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">What</th>
              <th scope="col">From</th>
              <th scope="col">Browser</th>
            </tr>
          </thead>
          <tbody>
            ${shown.map(
              ({ kind, at, client, agent, detail }) => html`<tr data-testid="account-event">
                <td><time datetime=${isoTime(at)}>${time(at)}</time></td>
                <td>${KINDS[kind]}${detail ? html` <span class="soft">${printable(detail)}</span>` : nothing}</td>
                <td>${printable(client)}</td>
                <td>${browserName(agent)}</td>
              </tr>`,
            )}
          </tbody>
        </table>
      </div>
      ${shown.length < events.length
        ? html`<button class="button" type="button" @click=${() => (this.all = true)}>Show all ${events.length}</button>`
        : nothing}`;
  }

  private async end(sessionId?: string): Promise<void> {
    this.problem = null;
    try {
      await accounts.endSession(sessionId);
      announce("Ended.");
      [this.sessions.value, this.events.value] = await Promise.all([accounts.sessions(), accounts.events()]);
      this.requestUpdate();
    } catch (error) {
      this.problem = describe(error);
    }
  }
}

/** The browser and its system, as far as a person tells them apart; foreign text. */
function browserName(agent: string): string {
  const browser = /(Firefox|Edg|Chrome|Safari)\//.exec(agent)?.[1] ?? "";
  const system = /(Windows|Android|iPhone|iPad|Mac OS X|Linux)/.exec(agent)?.[1] ?? "";
  if (!browser) return printable(agent).slice(0, 60) || "Unknown";
  return `${browser === "Edg" ? "Edge" : browser}${system ? ` on ${system.replace(" OS X", "")}` : ""}`;
}
