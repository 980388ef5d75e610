import { LitElement, css, html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { announce } from "../accessibility";
import { accounts } from "../api/accounts";
import type { Account, Role } from "../api/types";
import { LoadController } from "../components/load-controller";
import { loadNotice } from "../components/load-notice";
import "../components/sp-notice";
import { printable, time } from "../format";
import { describe, type Problem } from "../state/problems";
import { fields } from "../styles/forms";
import { shared } from "../styles/shared";

const ROLES: Role[] = ["patient", "doctor", "auditor", "administrator"];

/** `/account/people`: administrators approve doctors and change roles. */
@customElement("sp-people")
export class PeoplePage extends LitElement {
  static override styles = [
    shared,
    fields,
    css`
      li {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        align-items: center;
        gap: var(--space-2) var(--space-4);
        padding-block: var(--space-3);
        border-bottom: 1px solid var(--line);
      }
      li > span {
        overflow-wrap: anywhere;
      }
      @media (max-width: 40rem) {
        li {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ];

  /** The administrator's own, whose role only another one changes. */
  @property({ attribute: false }) accountId = "";
  @state() private busy = "";
  @state() private problem: Problem | null = null;
  private readonly people = new LoadController<Account[]>(this);

  override connectedCallback(): void {
    super.connectedCallback();
    this.people.show("people", () => accounts.people());
  }

  protected override render() {
    const { value, problem } = this.people;
    const waiting = value?.filter(({ approved }) => !approved) ?? [];
    return html`<div class="stack">
      <h1 tabindex="-1">People</h1>
      ${loadNotice(this.people)} ${this.problem ? html`<sp-notice .problem=${this.problem}></sp-notice>` : nothing}
      ${!value && !problem ? html`<p class="busy soft"><span class="spinner"></span>Loading …</p>` : nothing}
      ${waiting.length > 0
        ? html`<section class="panel stack" aria-labelledby="waiting">
            <h2 id="waiting">Wait for approval</h2>
            <ul>
              ${waiting.map((account) => this.waiting(account))}
            </ul>
          </section>`
        : nothing}
      ${value
        ? html`<section class="panel stack" aria-labelledby="all">
            <h2 id="all">Accounts</h2>
            <p class="soft">A change ends the sessions of that account.</p>
            <ul>
              ${value.filter(({ approved }) => approved).map((account) => this.approved(account))}
            </ul>
          </section>`
        : nothing}
    </div>`;
  }

  private waiting(account: Account) {
    return html`<li data-testid="waiting">
      ${this.about(account)}
      <button
        class="button primary"
        type="button"
        ?disabled=${this.busy !== ""}
        @click=${() => void this.change(account, account.role, `${account.name} is approved.`)}
      >
        Approve
      </button>
    </li>`;
  }

  private approved(account: Account) {
    if (account.accountId === this.accountId) return html`<li>${this.about(account)}<span class="soft">you</span></li>`;
    return html`<li data-testid="person">
      ${this.about(account)}
      <select
        aria-label="Role of ${printable(account.name)}"
        ?disabled=${this.busy !== ""}
        @change=${({ target }: Event) =>
          void this.change(account, (target as HTMLSelectElement).value as Role, `The role of ${account.name} is changed.`)}
      >
        ${ROLES.map((role) => html`<option value=${role} ?selected=${role === account.role}>${role}</option>`)}
      </select>
    </li>`;
  }

  private about({ name, email, phone, role, createdAt }: Account) {
    return html`<span>
      ${printable(name)} <span class="soft small">${email}, ${phone}, ${role}, since ${time(createdAt)}</span>
    </span>`;
  }

  private async change({ accountId }: Account, role: Role, text: string): Promise<void> {
    this.busy = accountId;
    this.problem = null;
    try {
      await accounts.changeRole(accountId, role, true);
      announce(text);
      this.people.value = await accounts.people();
    } catch (error) {
      this.problem = describe(error);
    }
    this.busy = "";
  }
}
