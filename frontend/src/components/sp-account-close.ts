import { LitElement, html } from "lit";
import { customElement, state } from "lit/decorators.js";
import { accounts } from "../api/accounts";
import { download } from "../download";
import { fields } from "../styles/forms";
import { shared } from "../styles/shared";
import { FormController, valuesOf } from "./form-controller";
import { formEnd, formField, formProblem, formStyles } from "./form-field";

/** Exports what the server knows of the own account, and closes it. Event: `closed`. */
@customElement("sp-account-close")
export class AccountClose extends LitElement {
  static override styles = [shared, fields, formStyles];

  @state() private closing = false;
  private readonly sending = new FormController(this);
  private readonly exporting = new FormController(this);

  protected override render() {
    return html`<section class="panel stack" aria-labelledby="leave">
      <h2 id="leave">Export and close</h2>
      <p class="soft">Closing removes all that this server knows of you. Records on the chain stay.</p>
      ${this.closing ? this.confirmation() : this.choices()}
    </section>`;
  }

  private choices() {
    return html`${formProblem(this.exporting)}
      <div class="actions">
        <button class="button" type="button" ?disabled=${this.exporting.busy} @click=${this.export}>Export my data</button>
        <button class="button" type="button" @click=${() => (this.closing = true)}>Close the account …</button>
      </div>`;
  }

  private confirmation() {
    return html`<form class="stack" novalidate @submit=${this.submitted}>
      ${formField(this.sending, { name: "password", label: "Your password", type: "password", autocomplete: "current-password" })}
      ${formEnd(this.sending, "Close for good")}
      <button class="button" type="button" @click=${() => (this.closing = false)}>Keep the account</button>
    </form>`;
  }

  private readonly export = (): void => {
    void this.exporting.send(async () => download("scanproof-account.json", JSON.stringify(await accounts.export(), null, 2)));
  };

  private submitted(event: SubmitEvent): void {
    const { password = "" } = valuesOf(event);
    void this.sending.send(async () => {
      await accounts.close(password);
      this.dispatchEvent(new CustomEvent("closed"));
    });
  }
}
