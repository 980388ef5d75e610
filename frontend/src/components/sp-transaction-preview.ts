import { LitElement, css, html, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { ChainConfig, Classification } from "../api/types";
import type { Cost, Plan } from "../chain/transactions";
import { amount, gwei, percent, whole } from "../format";
import { shared } from "../styles/shared";

/** Exactly what a transaction will write. */
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
    `,
  ];

  @property({ attribute: false }) plan!: Plan;
  @property({ attribute: false }) cost!: Cost;
  @property({ attribute: false }) chain!: ChainConfig;
  @property({ attribute: false }) classification: Classification | null = null;

  protected override render() {
    return html`<h3>What will be written to the public chain</h3>
      <p class="soft small">This becomes public and permanent: nobody can delete it from the chain.</p>
      <dl class="terms">
        ${this.rows().map(
          ([term, value]) => html`<dt>${term}</dt>
            <dd data-testid="preview-${term.toLowerCase().replaceAll(" ", "-")}">${value}</dd>`,
        )}
      </dl>`;
  }

  private rows(): [term: string, value: string | TemplateResult][] {
    const { functionName, cid, imageId, contract, from } = this.plan;
    const { gas, gasPrice, fee } = this.cost;
    const { name, id, currency } = this.chain;
    return [
      ["Function", html`<code>${functionName}</code>`],
      ["CID", html`<code>${cid}</code>`],
      ["Image id", html`<code>${imageId}</code>`],
      ...this.diagnosis(),
      ["Contract", html`<code>${contract}</code>`],
      ["Chain", `${name} (${id})`],
      ["From", html`<code>${from}</code>`],
      ["Estimated gas", whole(gas)],
      ["Estimated fee", `${amount(fee, currency)} at ${gwei(gasPrice)}`],
    ];
  }

  private diagnosis(): [term: string, value: string | TemplateResult][] {
    const { attestation } = this.plan;
    if (!attestation || !this.classification) return [];
    const { label, confidence, modelId, manifestHash } = attestation.diagnosis;
    const { abstained, labelText, sealed } = this.classification;
    const result = abstained ? "No answer" : labelText;
    return [
      ["Result", `${sealed ? "Sealed" : result} (code ${label})`],
      ["Confidence", sealed ? "Sealed (0)" : abstained ? "None" : `${percent(confidence / 10_000)} (${whole(confidence)} of 10,000)`],
      ["Model", html`<code>${modelId}</code>`],
      ["Manifest", html`<code>${manifestHash}</code>`],
      ["Classifier", html`<code>${attestation.classifier}</code>`],
    ];
  }
}
