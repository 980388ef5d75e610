import { LitElement, html, nothing, type PropertyValues } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { accounts } from "../api/accounts";
import { ApiProblem } from "../api/errors";
import type { CurrentSession } from "../api/types";
import { FormController, valuesOf } from "../components/form-controller";
import { formEnd, formField, formStyles, newPassword } from "../components/form-field";
import { fields } from "../styles/forms";
import { shared } from "../styles/shared";


/**
 * `/reset`: a link for a forgotten password, and with the secret of such a link a new password. `/account/confirm`: the
 * first password once more, to confirm the address. Event: `signed-in` with a CurrentSession.
 */
@customElement("sp-reset")
export class ResetPage extends LitElement {
  static override styles = [shared, fields, formStyles];

  /** The secret of the link, empty without one. */
  @property() token = "";
  /** Whether the link confirms a registration. */
  @property({ type: Boolean }) confirms = false;
  @state() private sentTo = "";
  @state() private codeAsked = false;
  private readonly sending = new FormController(this);

  protected override willUpdate(changed: PropertyValues<this>): void {
    // The link of the mail was opened in the tab that asked for it.
    if (changed.has("token")) this.sentTo = "";
  }

  protected override render() {
    return html`<div class="stack">
      <h1 tabindex="-1">${this.confirms ? "Confirm your address" : "Set a new password"}</h1>
      ${this.sentTo ? this.sent() : html`<section class="panel stack">${this.content()}</section>`}
    </div>`;
  }

  private sent() {
    return html`<section class="panel" role="status" data-testid="mail-sent">
      <p>If <strong>${this.sentTo}</strong> has an account here, a mail with a link is on its way. The link works for an hour.</p>
    </section>`;
  }

  private content() {
    const { sending } = this;
    if (this.confirms && !this.token) return html`<p>Open the link of the mail as a whole: a part of it is missing.</p>`;
    if (this.confirms) {
      return html`<form class="stack" novalidate @submit=${this.confirmed}>
        ${formField(sending, {
          name: "password",
          label: "Password",
          type: "password",
          autocomplete: "current-password",
          hint: "The one that you chose when you registered.",
        })}
        ${formEnd(sending, "Confirm and sign in")}
      </form>`;
    }
    if (!this.token) {
      return html`<form class="stack" novalidate @submit=${this.asked}>
        ${formField(sending, { name: "email", label: "E-mail address", type: "email", autocomplete: "username" })}
        ${formEnd(sending, "Send me a link")}
      </form>`;
    }
    return html`<form class="stack" novalidate @submit=${this.submitted}>
      ${newPassword(sending)}
      ${this.codeAsked
        ? formField(sending, {
            name: "code",
            label: "One-time code",
            autocomplete: "one-time-code",
            hint: "Six digits of your app, or one of your recovery codes.",
          })
        : nothing}
      ${formEnd(sending, "Set the password and sign in")}
    </form>`;
  }

  private asked(event: SubmitEvent): void {
    const { email = "" } = valuesOf(event);
    void this.sending.send(async () => {
      await accounts.sendReset(email);
      this.sentTo = email;
    });
  }

  private confirmed(event: SubmitEvent): void {
    const { password = "" } = valuesOf(event);
    void this.sending.send(async () => this.signedIn(await accounts.confirm({ token: this.token, password })));
  }

  private submitted(event: SubmitEvent): void {
    const values = valuesOf(event);
    void this.sending.send(async () => {
      try {
        this.signedIn(await accounts.reset({ token: this.token, ...values }));
      } catch (error) {
        if (error instanceof ApiProblem && error.asksForCode) this.codeAsked = true;
        throw error;
      }
    });
  }

  private signedIn(session: CurrentSession): void {
    this.dispatchEvent(new CustomEvent<CurrentSession>("signed-in", { detail: session }));
  }
}
