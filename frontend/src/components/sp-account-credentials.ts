import { LitElement, css, html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { announce } from "../accessibility";
import { accounts } from "../api/accounts";
import { createPasskey } from "../api/passkeys";
import type { ChainConfig, CredentialsOverview } from "../api/types";
import { signInMessage, signMessage } from "../chain/sign-in-message";
import { printable, short, time } from "../format";
import { download } from "../download";
import { fields } from "../styles/forms";
import { shared } from "../styles/shared";
import { FormController, valuesOf } from "./form-controller";
import { formEnd, formField, formProblem, formStyles } from "./form-field";
import { LoadController } from "./load-controller";
import { loadNotice } from "./load-notice";
import "./sp-wallet";
import { WalletController } from "./wallet-controller";

/** What is being added or removed, for which the password is asked. */
type Work = "codes" | "codes-off" | "passkey" | "wallet";

const BUTTONS: Record<Work, string> = {
  codes: "Begin",
  "codes-off": "Turn codes off",
  passkey: "Make the passkey",
  wallet: "Sign and link",
};

/** One-time codes, passkeys and wallets of the own account. */
@customElement("sp-account-credentials")
export class AccountCredentials extends LitElement {
  static override styles = [
    shared,
    fields,
    formStyles,
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
      .codes {
        columns: 2;
        max-width: 26rem;
      }
      .codes li {
        border: 0;
      }
    `,
  ];

  @property({ attribute: false }) chain!: ChainConfig;
  @state() private work: Work | null = null;
  /** The address for the app of one-time codes, while its first code is waited for. */
  @state() private uri = "";
  @state() private recoveryCodes: string[] = [];
  @query("form.step") private form!: HTMLFormElement;
  private readonly overview = new LoadController<CredentialsOverview>(this);
  private readonly sending = new FormController(this);
  private readonly wallet = new WalletController(this);

  override connectedCallback(): void {
    super.connectedCallback();
    this.overview.show("credentials", () => accounts.credentials());
  }

  protected override render() {
    const { value } = this.overview;
    return html`<div class="stack">
      ${loadNotice(this.overview)} ${this.work || this.uri ? nothing : formProblem(this.sending)}
      ${value ? [this.codes(value), this.passkeys(value), this.wallets(value)] : nothing}
    </div>`;
  }

  private codes({ codes, recoveryCodesLeft }: CredentialsOverview) {
    return html`<section class="panel stack" aria-labelledby="codes">
      <h2 id="codes">One-time codes</h2>
      <p class="soft">A code of an app on your telephone, asked for beside the password.</p>
      <p data-testid="codes">${codes ? `They are on; ${recoveryCodesLeft} recovery codes are left.` : "They are off."}</p>
      ${this.recoveryCodes.length > 0 ? this.recovery() : nothing}
      ${this.uri ? this.firstCode() : nothing}
      ${this.uri ? nothing : codes ? this.step("codes-off", "Turn off …") : this.step("codes", "Turn on …")}
    </section>`;
  }

  private firstCode() {
    const secret = new URL(this.uri).searchParams.get("secret") ?? "";
    return html`<p>
        <a href=${this.uri}>Open your app</a>, or type this key into it:
        <code data-testid="secret">${(secret.match(/.{1,4}/g) ?? []).join(" ")}</code>
      </p>
      <form class="stack" novalidate @submit=${this.codeSubmitted}>
        ${formField(this.sending, { name: "code", label: "First code of the app", autocomplete: "one-time-code" })}
        ${formEnd(this.sending, "Turn codes on")}
      </form>`;
  }

  private recovery() {
    return html`<div class="stack" role="status" data-testid="recovery-codes">
      <h3>Recovery codes</h3>
      <p>Each of them replaces one code, once, when your telephone is lost. They are shown this time only.</p>
      <ul class="codes">
        ${this.recoveryCodes.map((code) => html`<li><code>${code}</code></li>`)}
      </ul>
      <button class="button" type="button" @click=${this.saveCodes}>Save as a file</button>
    </div>`;
  }

  private passkeys({ passkeys }: CredentialsOverview) {
    return html`<section class="panel stack" aria-labelledby="passkeys">
      <h2 id="passkeys">Passkeys</h2>
      <p class="soft">This device or a security key signs you in, without password and code.</p>
      <ul>
        ${passkeys.map(
          ({ passkeyId, name, usedAt, createdAt }) => html`<li data-testid="passkey">
            <span>${printable(name)} <span class="soft small">${usedAt ? `used ${time(usedAt)}` : `made ${time(createdAt)}`}</span></span>
            <button class="button" type="button" @click=${() => this.takeAway(() => accounts.removePasskey(passkeyId), "The passkey is removed.")}>
              Remove
            </button>
          </li>`,
        )}
      </ul>
      ${this.step("passkey", "Add a passkey …")}
    </section>`;
  }

  private wallets({ wallets }: CredentialsOverview) {
    const { account } = this.wallet.state;
    return html`<section class="panel stack" aria-labelledby="wallets">
      <h2 id="wallets">Wallets</h2>
      <p class="soft">A linked wallet signs you in, too. Linking is a message that you sign; it costs nothing.</p>
      <ul>
        ${wallets.map(
          ({ address }) => html`<li data-testid="wallet">
            <code>${short(address, 8)}</code>
            <button class="button" type="button" @click=${() => this.takeAway(() => accounts.removeWallet(address), "The wallet is removed.")}>
              Remove
            </button>
          </li>`,
        )}
      </ul>
      <sp-wallet purpose="sign-in" .chain=${this.chain}></sp-wallet>
      ${account ? this.step("wallet", "Link this wallet …") : nothing}
    </section>`;
  }

  /** A button, and once it was pressed the form that asks for the password. */
  private step(work: Work, text: string) {
    if (this.work !== work) {
      return html`<div class="actions">
        <button class="button" type="button" ?disabled=${this.sending.busy} @click=${() => this.begin(work)}>${text}</button>
      </div>`;
    }
    return html`<form class="step stack" novalidate @submit=${this.submitted}>
      ${work === "passkey"
        ? formField(this.sending, { name: "name", label: "Name of the passkey", autocomplete: "off", hint: "For instance the device." })
        : nothing}
      ${formField(this.sending, { name: "password", label: "Your password", type: "password", autocomplete: "current-password" })}
      ${formEnd(this.sending, BUTTONS[work])}
      <button class="button" type="button" @click=${() => (this.work = null)}>Cancel</button>
    </form>`;
  }

  private begin(work: Work): void {
    this.work = work;
    this.recoveryCodes = [];
    void this.updateComplete.then(() => this.form.querySelector("input")?.focus());
  }

  private submitted(event: SubmitEvent): void {
    const { password = "", name = "" } = valuesOf(event);
    const works: Record<Work, () => Promise<void>> = {
      codes: async () => {
        this.uri = (await accounts.beginCodes(password)).uri;
      },
      "codes-off": () => accounts.removeCodes(password),
      passkey: async () => {
        const { options } = await accounts.passkeyCreation(password);
        await accounts.addPasskey(name, await createPasskey(options));
        announce("The passkey is added.");
      },
      wallet: () => this.link(password),
    };
    const { work } = this;
    if (work) void this.does(works[work]);
  }

  private codeSubmitted(event: SubmitEvent): void {
    const { code = "" } = valuesOf(event);
    void this.does(async () => {
      this.recoveryCodes = await accounts.confirmCodes(code);
      this.uri = "";
      announce("One-time codes are on. Save the recovery codes.");
    });
  }

  private async link(password: string): Promise<void> {
    const { selected, account } = this.wallet.state;
    if (!selected || !account) return;
    const message = signInMessage(await accounts.walletMessage("link"), account, new Date());
    await accounts.linkWallet({ message, signature: await signMessage(selected, account, message), password });
    announce("The wallet is linked.");
  }

  private takeAway(work: () => Promise<void>, text: string): void {
    void this.does(async () => {
      await work();
      announce(text);
    });
  }

  private async does(work: () => Promise<void>): Promise<void> {
    await this.sending.send(async () => {
      await work();
      this.work = null;
      this.overview.value = await accounts.credentials();
    });
  }

  private saveCodes(): void {
    download("scanproof-recovery-codes.txt", new Blob([`${this.recoveryCodes.join("\n")}\n`], { type: "text/plain" }));
  }
}
