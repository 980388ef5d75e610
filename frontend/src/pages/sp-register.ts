import { LitElement, html } from "lit";
import { customElement, state } from "lit/decorators.js";
import { accounts } from "../api/accounts";
import { FormController, valuesOf } from "../components/form-controller";
import { formEnd, formField, formStyles, newPassword } from "../components/form-field";
import { choices, fields } from "../styles/forms";
import { shared } from "../styles/shared";

const ROLES = [
  ["patient", "Patient", "You record your own images."],
  ["doctor", "Doctor", "You also review results. An administrator approves you first."],
] as const;

/** `/register`: becoming an account. A mail asks to confirm the address. */
@customElement("sp-register")
export class RegisterPage extends LitElement {
  static override styles = [shared, fields, choices, formStyles];

  @state() private sentTo = "";
  private readonly sending = new FormController(this);

  protected override render() {
    return html`<div class="stack">
      <h1 tabindex="-1">Register</h1>
      ${this.sentTo ? this.sent() : this.fields()}
    </div>`;
  }

  private sent() {
    return html`<section class="panel stack" role="status" data-testid="mail-sent">
      <h2>Look into your mail</h2>
      <p>
        We sent a link to <strong>${this.sentTo}</strong>. Open it within a day, and enter the password that you chose. If the
        address has an account already, the mail says so.
      </p>
    </section>`;
  }

  private fields() {
    const { sending } = this;
    return html`<section class="panel stack">
      <form class="stack" novalidate @submit=${this.submitted}>
        <fieldset ?disabled=${sending.busy}>
          <legend>You are a</legend>
          <div class="choices">
            ${ROLES.map(
              ([value, name, about]) => html`<label class="choice">
                <input type="radio" name="role" .value=${value} ?checked=${value === "patient"} />
                <span>${name}</span><span class="small soft">${about}</span>
              </label>`,
            )}
          </div>
        </fieldset>
        ${formField(sending, { name: "name", label: "Name", autocomplete: "name" })}
        ${formField(sending, { name: "email", label: "E-mail address", type: "email", autocomplete: "username" })}
        ${formField(sending, {
          name: "phone",
          label: "Phone number",
          type: "tel",
          autocomplete: "tel",
          hint: "With the country code, such as +41 44 123 45 67.",
        })}
        ${newPassword(sending)} ${formEnd(sending, "Register")}
      </form>
      <p>You have an account? <a href="/sign-in">Sign in</a></p>
    </section>`;
  }

  private submitted(event: SubmitEvent): void {
    const values = valuesOf(event);
    void this.sending.send(async () => {
      await accounts.register(values);
      this.sentTo = values.email ?? "";
    });
  }
}
