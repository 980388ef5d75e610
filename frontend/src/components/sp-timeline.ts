import { LitElement, css, html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { isoTime, time, whole } from "../format";
import type { Step } from "../state/timeline";
import { disclosure } from "../styles/disclosure";
import { shared } from "../styles/shared";
import { tones } from "../styles/tones";
import "./sp-hash";

/** The history of a record, oldest first; each step opens to its hashes, its checks, and how to check it yourself. */
@customElement("sp-timeline")
export class Timeline extends LitElement {
  static override styles = [
    shared,
    disclosure,
    css`
      li {
        --tone: var(--info);
        position: relative;
        padding: 0 0 var(--space-5) var(--space-5);
        border-left: 2px solid var(--line);
      }
      li:last-child {
        border-left-color: transparent;
        padding-bottom: 0;
      }
      li::before {
        content: "";
        position: absolute;
        top: 0.35rem;
        left: calc(-0.4375rem - 1px);
        width: 0.875rem;
        height: 0.875rem;
        border: 3px solid var(--surface);
        border-radius: 50%;
        background: var(--tone);
      }
      blockquote {
        margin: var(--space-2) 0 0;
        padding-left: var(--space-3);
        border-left: 3px solid var(--tone);
        white-space: pre-line;
        overflow-wrap: anywhere;
      }
      summary {
        min-height: 2.25rem;
        color: var(--accent);
        font-size: var(--text-small);
      }
      summary::after {
        margin-left: var(--space-3);
      }
      summary:hover {
        text-decoration: underline;
      }
    `,
    tones,
  ];

  @property({ attribute: false }) steps: Step[] = [];

  protected override render() {
    return html`<ol aria-label="Timeline">
      ${this.steps.map(item)}
    </ol>`;
  }
}

function item({ kind, title, tone, who: [role, account], facts, reason, checked, howToCheck, transaction, block }: Step) {
  return html`<li class=${tone} data-testid="step" data-kind=${kind}>
    <h3>${title}</h3>
    <p class="soft small">
      <time datetime=${isoTime(block.timestamp)}>${time(block.timestamp)}</time> · block ${whole(block.number)}
    </p>
    <p class="small">${role}: <sp-hash .value=${account} label="account"></sp-hash></p>
    ${reason === null ? nothing : html`<blockquote>${reason}</blockquote>`}
    <details>
      <summary>Hashes, and how to check this step</summary>
      <dl class="terms small">
        ${facts.map(
          ([name, value]) => html`<dt>${name}</dt>
            <dd><sp-hash .value=${value} .label=${name}></sp-hash></dd>`,
        )}
        <dt>Transaction</dt>
        <dd><sp-hash .value=${transaction.hash} .href=${transaction.explorerUrl} label="transaction hash"></sp-hash></dd>
        <dt>Block hash</dt>
        <dd><sp-hash .value=${block.hash} label="block hash"></sp-hash></dd>
        <dt>What is checked</dt>
        <dd>${checked}</dd>
        <dt>Check it yourself</dt>
        <dd>${howToCheck}</dd>
      </dl>
    </details>
  </li>`;
}
