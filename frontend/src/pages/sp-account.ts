import { LitElement, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Account, ChainConfig } from "../api/types";
import "../components/sp-account-close";
import "../components/sp-account-credentials";
import "../components/sp-account-password";
import "../components/sp-account-profile";
import "../components/sp-account-sessions";
import { shared } from "../styles/shared";

/** `/account`: the own account. Events: `changed` with the Account, `signed-in` with a CurrentSession, `closed`. */
@customElement("sp-account")
export class AccountPage extends LitElement {
  static override styles = [shared];

  @property({ attribute: false }) account!: Account;
  @property({ attribute: false }) chain!: ChainConfig;

  protected override render() {
    const again = (event: CustomEvent<unknown>) =>
      this.dispatchEvent(new CustomEvent(event.type, { detail: event.detail }));
    return html`<div class="stack">
      <h1 tabindex="-1">Your account</h1>
      ${this.account.approved
        ? nothing
        : html`<p class="lead" data-testid="waits">An administrator approves your account before you work here.</p>`}
      <sp-account-profile .account=${this.account} @changed=${again}></sp-account-profile>
      <sp-account-password @signed-in=${again}></sp-account-password>
      <sp-account-credentials .chain=${this.chain}></sp-account-credentials>
      <sp-account-sessions></sp-account-sessions>
      <sp-account-close @closed=${again}></sp-account-close>
    </div>`;
  }
}
