import { LitElement, css, html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { ChainConfig, CurrentSession } from "../api/types";
import { rolesOf, type Role } from "../chain/roles";
import { wallet } from "../chain/wallet";
import { printable, short } from "../format";
import { shared } from "../styles/shared";
import { icons } from "./icons";
import { LoadController } from "./load-controller";
import { loadNotice } from "./load-notice";
import "./sp-hash";
import "./sp-wallet";
import { WalletController } from "./wallet-controller";

/**
 * The account in the frame of every page: which address, on which network, with which roles; change it or disconnect;
 * and on a server with accounts, who is signed in. A button opens the panel; Escape, or a click or the focus elsewhere,
 * closes it. Event: `sign-out`.
 */
@customElement("sp-account-menu")
export class AccountMenu extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        position: relative;
      }
      .opener {
        gap: var(--space-2);
        padding-inline: var(--space-3);
        font-size: var(--text-small);
      }
      .opener .warning {
        color: var(--warning);
      }
      .menu {
        position: absolute;
        z-index: 2;
        right: 0;
        top: calc(100% + var(--space-2));
        width: min(27rem, calc(100vw - 2 * var(--space-4)));
        max-height: calc(100dvh - 6rem);
        overflow-y: auto;
      }
      .role {
        color: var(--ink-soft);
        font-weight: 500;
      }
      @media (max-width: 40rem) {
        :host {
          position: static;
        }
        .menu {
          left: var(--space-4);
          right: var(--space-4);
          top: 4.25rem;
          width: auto;
        }
        .role {
          display: none;
        }
      }
    `,
  ];

  @property({ attribute: false }) chain!: ChainConfig;
  @property({ attribute: false }) session: CurrentSession | null = null;
  @state() private open = false;
  @query(".opener") private button!: HTMLElement;
  private readonly wallet = new WalletController(this);
  private readonly roles = new LoadController<Role[]>(this);

  private get isOnChain(): boolean {
    return this.wallet.state.chainId === this.chain.id;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("focusout", this.left);
    window.addEventListener("pointerdown", this.pressed);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.removeEventListener("focusout", this.left);
    window.removeEventListener("pointerdown", this.pressed);
  }

  protected override willUpdate(): void {
    const { selected, account } = this.wallet.state;
    const { chain } = this;
    if (selected && account && this.isOnChain) {
      this.roles.show(`${selected.uuid} ${account} ${chain.contract}`, () => rolesOf(selected, account, chain));
    } else {
      this.roles.clear();
    }
  }

  protected override render() {
    return html`<div @keydown=${this.typed}>
      <button
        class="button opener"
        type="button"
        aria-expanded=${this.open}
        aria-controls="menu"
        aria-label=${this.label()}
        data-testid="account-menu"
        @click=${this.toggle}
      >
        ${this.opener()}
      </button>
      <section id="menu" class="menu panel stack" aria-label="Your account" ?hidden=${!this.open}>
        ${this.open ? this.panel() : nothing}
      </section>
    </div>`;
  }

  private label(): string {
    const { account } = this.wallet.state;
    if (!account) return "Account: none";
    return `Account ${short(account, 4)}, ${this.isOnChain ? this.mainRole() : "on another network"}`;
  }

  private opener() {
    const { account } = this.wallet.state;
    if (!account) return html`${icons.wallet} Account`;
    if (!this.isOnChain) return html`<span class="warning">${icons.warning}</span><code>${short(account, 4)}</code>`;
    return html`${icons.wallet}<code>${short(account, 4)}</code> <span class="role">${this.mainRole()}</span>`;
  }

  private mainRole(): string {
    return this.roles.value?.[0] ?? "…";
  }

  private panel() {
    const { account, asking } = this.wallet.state;
    return html`${this.person()}
      <h2>${this.session?.accounts ? "Your wallet" : "Your account"}</h2>
      <sp-wallet brief purpose="account" .chain=${this.chain}></sp-wallet>
      ${account
        ? html`<dl class="terms small">
              <dt>Address</dt>
              <dd data-testid="menu-address"><sp-hash .value=${account} label="address"></sp-hash></dd>
              <dt>Network</dt>
              <dd data-testid="menu-network">${this.network()}</dd>
              <dt>Roles</dt>
              <dd data-testid="menu-roles">${this.rolesInWords()}</dd>
            </dl>
            <div class="actions">
              <button class="button" type="button" ?disabled=${asking !== null} @click=${this.disconnect}>Disconnect</button>
            </div>`
        : nothing}`;
  }

  private person() {
    if (!this.session?.accounts) return nothing;
    const { account } = this.session;
    const close = () => (this.open = false);
    if (!account) {
      return html`<p class="actions">
        <a class="button" href="/sign-in" @click=${close}>Sign in</a>
        <a class="button" href="/register" @click=${close}>Register</a>
      </p>`;
    }
    return html`<div class="stack" data-testid="person">
      <p><strong>${printable(account.name)}</strong> <span class="soft small">${account.email}, ${account.role}</span></p>
      <div class="actions">
        <a class="button" href="/account" @click=${close}>Account</a>
        ${account.role === "administrator" ? html`<a class="button" href="/account/people" @click=${close}>People</a>` : nothing}
        <button class="button" type="button" @click=${this.signOut}>Sign out</button>
      </div>
    </div>`;
  }

  private signOut(): void {
    this.open = false;
    this.dispatchEvent(new CustomEvent("sign-out"));
  }

  private network(): string {
    const { chainId } = this.wallet.state;
    if (chainId === null) return "Unknown";
    return this.isOnChain ? `${this.chain.name} (${chainId})` : `Chain ${chainId}; this site uses ${this.chain.name} (${this.chain.id})`;
  }

  private rolesInWords() {
    const { value, problem } = this.roles;
    if (!this.isOnChain) return `Known when the wallet is on ${this.chain.name}`;
    if (problem) return loadNotice(this.roles);
    return value ? value.join(", ") : "Asking the contract …";
  }

  private toggle(): void {
    this.open = !this.open;
    // A role can have been granted or revoked since.
    if (this.open && this.roles.value) void this.roles.retry();
  }

  private typed(event: KeyboardEvent): void {
    if (event.key !== "Escape" || !this.open) return;
    event.stopPropagation();
    this.open = false;
    this.button.focus();
  }

  private readonly left = ({ relatedTarget }: FocusEvent): void => {
    // Null when a button went away or the window lost the focus: the person has not gone elsewhere then.
    if (relatedTarget !== null) this.open = false;
  };

  private readonly pressed = (event: PointerEvent): void => {
    if (!event.composedPath().includes(this)) this.open = false;
  };

  private disconnect(): void {
    void wallet.disconnect();
  }
}
