import { LitElement, html, nothing } from "lit";
import { customElement, query, state } from "lit/decorators.js";
import { announce } from "../accessibility";
import { accounts } from "../api/accounts";
import { fields } from "../styles/forms";
import { shared } from "../styles/shared";
import { FormController, valuesOf } from "./form-controller";
import { formEnd, formField, formStyles, newPassword } from "./form-field";

/** Changes the password. Event: `signed-in` with the CurrentSession, which has a new id. */
@customElement("sp-account-password")
export class AccountPassword extends LitElement {
  static override styles = [shared, fields, formStyles];

  @state() private changed = false;
  @query("form") private form!: HTMLFormElement;
  private readonly sending = new FormController(this);

  protected override render() {
    return html`<section class="panel stack" aria-labelledby="password-title">
      <h2 id="password-title">Password</h2>
      <p class="soft">A new password ends every other session.</p>
      ${this.changed ? html`<p role="status" data-testid="password-changed">Your password is changed.</p>` : nothing}
      <form class="stack" novalidate @submit=${this.submitted}>
        ${formField(this.sending, {
          name: "oldPassword",
          label: "Present password",
          type: "password",
          autocomplete: "current-password",
        })}
        ${newPassword(this.sending)} ${formEnd(this.sending, "Change the password")}
      </form>
    </section>`;
  }

  private submitted(event: SubmitEvent): void {
    const { oldPassword = "", password = "", passwordAgain = "" } = valuesOf(event);
    this.changed = false;
    void this.sending.send(async () => {
      const detail = await accounts.changePassword({ oldPassword, password, passwordAgain });
      this.changed = true;
      this.form.reset();
      announce("Your password is changed.");
      this.dispatchEvent(new CustomEvent("signed-in", { detail }));
    });
  }
}
