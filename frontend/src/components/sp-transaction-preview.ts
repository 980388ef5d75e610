import { LitElement, css, html, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { keccak256, size } from "viem/utils";
import type { ChainConfig } from "../api/types";
import type { CallRequest, Cost } from "../chain/transactions";
import { amount, gwei, whole } from "../format";
import { shared } from "../styles/shared";

export type Row = [term: string, value: string | TemplateResult];

/** Exactly what a transaction will write, and what the wallet's window will show of it. */
@customElement("sp-transaction-preview")
export class TransactionPreview extends LitElement {
  static override styles = [
    shared,
    css`
      .terms {
        margin-top: var(--space-3);
        padding: var(--space-4);
        border: 1px solid var(--line);
        border-radius: var(--radius-small);
        background: var(--sunken);
        font-size: var(--text-small);
      }
      h4 {
        margin: var(--space-4) 0 var(--space-1);
        font-size: var(--text-body);
      }
      ul {
        display: grid;
        gap: var(--space-2);
        padding-left: var(--space-4);
        list-style: disc;
      }
      summary {
        cursor: pointer;
      }
    `,
  ];

  @property({ attribute: false }) plan!: CallRequest;
  /** Null until it is estimated. */
  @property({ attribute: false }) cost: Cost | null = null;
  @property({ attribute: false }) chain!: ChainConfig;
  /** The wallet's name. */
  @property() wallet = "your wallet";
  /** What this kind of transaction writes. */
  @property({ attribute: false }) details: Row[] = [];

  protected override render() {
    return html`<h3>What will be written to the public chain</h3>
      <p class="soft small">This becomes public and permanent: nobody can delete it from the chain.</p>
      <dl class="terms">
        ${this.rows().map(
          ([term, value]) => html`<dt>${term}</dt>
            <dd data-testid="preview-${term.toLowerCase().replaceAll(" ", "-")}">${value}</dd>`,
        )}
      </dl>
      ${this.wallets()}`;
  }

  private rows(): Row[] {
    const { functionName, contract, from } = this.plan;
    const { name, id } = this.chain;
    return [
      ["Function", html`<code>${functionName}</code>`],
      ...this.details,
      ["Contract", html`<code>${contract}</code>`],
      ["Chain", `${name} (${id})`],
      ["From", html`<code>${from}</code>`],
      ...this.fee(),
    ];
  }

  private fee(): Row[] {
    if (!this.cost) return [["Estimated fee", "…"]];
    const { gas, limit, gasPrice, fee } = this.cost;
    const { currency } = this.chain;
    return [
      ["Estimated gas", `${whole(gas)}, at most ${whole(limit)}`],
      ["Estimated fee", `${amount(fee, currency)} at ${gwei(gasPrice)}, at most ${amount(limit * gasPrice, currency)}`],
    ];
  }

  private wallets() {
    const { functionName, data, contract } = this.plan;
    const { name, id, rpcUrl, development } = this.chain;
    const { wallet } = this;
    return html`<div class="small" data-testid="wallet-shows">
      <h4>What ${wallet} will show</h4>
      <ul class="soft">
        <li>The function <code>${functionName}</code>, or where its name is not known, the selector <code>${data.slice(0, 10)}</code>.</li>
        <li>This site, <code>${location.host}</code>, and the registry <code>${contract}</code> on chain ${id}.</li>
        <li>
          ${size(data)} bytes of data with the Keccak-256 hash <code>${keccak256(data)}</code>.
          <details>
            <summary>All bytes</summary>
            <code>${data}</code>
          </details>
        </li>
        ${development
          ? html`<li>
              Warnings that are to be expected, because ${name} runs on this machine and no public list has it: that the
              network's name or RPC URL${rpcUrl ? html` (<code>${rpcUrl}</code>)` : nothing} is unknown, or that the
              registry is no contract. Compare its address with the one above.
            </li>`
          : nothing}
      </ul>
    </div>`;
  }
}
