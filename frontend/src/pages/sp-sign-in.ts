import { LitElement, css, html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { accounts } from "../api/accounts";
import { ApiProblem } from "../api/errors";
import { usePasskey } from "../api/passkeys";
import type { ChainConfig, CurrentSession } from "../api/types";
import { signInMessage, signMessage } from "../chain/sign-in-message";
import { FormController, valuesOf } from "../components/form-controller";
import { formEnd, formField, formStyles } from "../components/form-field";
import "../components/sp-wallet";
import { WalletController } from "../components/wallet-controller";
import { fields } from "../styles/forms";
import { shared } from "../styles/shared";


/** `/sign-in`, and in place of every page that needs it. Event: `signed-in` with a CurrentSession. */
@customElement("sp-sign-in")
export class SignInPage extends LitElement {
  static override styles = [
    shared,
    fields,
    formStyles,
    css`
      .ways {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr));
        gap: var(--space-5);
        align-items: start;
      }
    `,
  ];

  @property({ attribute: false }) chain!: ChainConfig;
  @state() private codeAsked = false;
  /** Tries again what asked for a code, with the code. */
  private again: (code: string) => Promise<CurrentSession> = () => Promise.reject(new Error("nothing was tried"));
  @query("#code") private codeField!: HTMLElement | null;
  private readonly sending = new FormController(this);
  private readonly wallet = new WalletController(this);

  protected override render() {
    return html`<div class="stack">
      <h1 tabindex="-1">Sign in</h1>
      ${this.codeAsked ? this.code() : this.ways()}
    </div>`;
  }

  private ways() {
    return html`<div class="ways">
      <section class="panel stack" aria-labelledby="by-password">
        <h2 id="by-password">With your password</h2>
        <form class="stack" novalidate @submit=${this.submitted}>
          ${formField(this.sending, { name: "email", label: "E-mail address", type: "email", autocomplete: "username" })}
          ${formField(this.sending, { name: "password", label: "Password", type: "password", autocomplete: "current-password" })}
          ${formEnd(this.sending, "Sign in")}
        </form>
        <p><a href="/reset">Forgot the password?</a></p>
        <p>No account yet? <a href="/register">Register</a></p>
      </section>
      <section class="panel stack" aria-labelledby="without-password">
        <h2 id="without-password">Without a password</h2>
        <p class="soft">With a passkey of this device or a security key, or with a wallet that you linked to your account.</p>
        <div class="actions">
          <button class="button" type="button" ?disabled=${this.sending.busy} @click=${this.byPasskey}>Use a passkey</button>
        </div>
        <sp-wallet brief purpose="sign-in" .chain=${this.chain}></sp-wallet>
        ${this.wallet.state.account
          ? html`<div class="actions">
              <button class="button" type="button" ?disabled=${this.sending.busy} @click=${this.byWallet}>
                Sign in with this wallet
              </button>
            </div>`
          : nothing}
      </section>
    </div>`;
  }

  private code() {
    return html`<section class="panel stack">
      <form class="stack" novalidate @submit=${this.codeSubmitted}>
        ${formField(this.sending, {
          name: "code",
          label: "One-time code",
          autocomplete: "one-time-code",
          hint: "Six digits of your app, or one of your recovery codes.",
        })}
        ${formEnd(this.sending, "Sign in")}
      </form>
      <div class="actions"><button class="button" type="button" @click=${() => (this.codeAsked = false)}>Back</button></div>
    </section>`;
  }

  private submitted(event: SubmitEvent): void {
    const { email = "", password = "" } = valuesOf(event);
    void this.attempt((code) => accounts.signIn({ email, password, code }));
  }

  private codeSubmitted(event: SubmitEvent): void {
    const { code = "" } = valuesOf(event);
    void this.sending.send(async () => this.signedIn(await this.again(code)));
  }

  private readonly byPasskey = (): void => {
    void this.attempt(async () => {
      const { options } = await accounts.passkeyRequest();
      return accounts.usePasskey(await usePasskey(options));
    });
  };

  private readonly byWallet = (): void => {
    const { selected, account } = this.wallet.state;
    if (!selected || !account) return;
    void this.attempt(async () => {
      const message = signInMessage(await accounts.walletMessage("sign-in"), account, new Date());
      const signature = await signMessage(selected, account, message);
      this.again = (code) => accounts.useWallet({ message, signature, code });
      return this.again("");
    });
  };

  private async attempt(way: (code: string) => Promise<CurrentSession>): Promise<void> {
    this.again = way;
    await this.sending.send(async () => {
      try {
        this.signedIn(await way(""));
      } catch (error) {
        if (!(error instanceof ApiProblem) || !error.asksForCode) throw error;
        this.codeAsked = true;
      }
    });
    if (!this.codeAsked) return;
    await this.updateComplete;
    this.codeField?.focus();
  }

  private signedIn(session: CurrentSession): void {
    this.codeAsked = false;
    this.dispatchEvent(new CustomEvent<CurrentSession>("signed-in", { detail: session }));
  }
}
