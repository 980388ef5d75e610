import { LitElement, html } from "lit";
import { customElement, property } from "lit/decorators.js";
import { announce } from "../accessibility";
import { accounts } from "../api/accounts";
import type { Account } from "../api/types";
import { time } from "../format";
import { fields } from "../styles/forms";
import { shared } from "../styles/shared";
import { FormController, valuesOf } from "./form-controller";
import { formEnd, formField, formStyles } from "./form-field";

/** Name and phone number of the own account. Event: `changed` with the Account. */
@customElement("sp-account-profile")
export class AccountProfile extends LitElement {
  static override styles = [shared, fields, formStyles];

  @property({ attribute: false }) account!: Account;
  private readonly sending = new FormController(this);

  protected override render() {
    const { name, email, phone, role, approved, createdAt } = this.account;
    return html`<section class="panel stack" aria-labelledby="profile">
      <h2 id="profile">Profile</h2>
      <dl class="terms">
        <dt>E-mail address</dt>
        <dd>${email}</dd>
        <dt>Role</dt>
        <dd data-testid="role">${role}${approved ? "" : ", waits for approval"}</dd>
        <dt>Since</dt>
        <dd>${time(createdAt)}</dd>
      </dl>
      <form class="stack" novalidate @submit=${this.submitted}>
        ${formField(this.sending, { name: "name", label: "Name", autocomplete: "name", value: name })}
        ${formField(this.sending, { name: "phone", label: "Phone number", type: "tel", autocomplete: "tel", value: phone })}
        ${formEnd(this.sending, "Save")}
      </form>
    </section>`;
  }

  private submitted(event: SubmitEvent): void {
    const values = valuesOf(event);
    void this.sending.send(async () => {
      const detail = await accounts.changeProfile(values);
      announce("Your profile is saved.");
      this.dispatchEvent(new CustomEvent<Account>("changed", { detail }));
    });
  }
}
