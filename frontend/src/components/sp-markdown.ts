import { LitElement, css, html, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { parseMarkdown, type BlockNode, type Inline } from "../markdown";
import { shared } from "../styles/shared";
import { tables } from "../styles/tables";

/** A text in Markdown. Its own title is left out: the page has one already; sections become h3. */
@customElement("sp-markdown")
export class Markdown extends LitElement {
  static override styles = [
    shared,
    tables,
    css`
      .text > * + * {
        margin-top: var(--space-3);
      }
      .text > h3 {
        margin-top: var(--space-5);
      }
      p,
      li {
        max-width: 46rem;
        overflow-wrap: anywhere;
        text-wrap: pretty;
      }
      ul,
      ol {
        padding-left: 1.25rem;
      }
      ul {
        list-style: disc;
      }
      ol {
        list-style: decimal;
      }
      li + li {
        margin-top: var(--space-2);
      }
      pre {
        margin: 0;
        white-space: pre-wrap;
      }
      th {
        color: var(--ink-soft);
      }
    `,
  ];

  @property() text = "";

  protected override render() {
    const [first, ...rest] = parseMarkdown(this.text);
    const blocks = first && !(first.type === "heading" && first.level === 1) ? [first, ...rest] : rest;
    return html`<div class="text">${blocks.map(block)}</div>`;
  }
}

function block(node: BlockNode): TemplateResult {
  switch (node.type) {
    case "heading":
      return html`<h3>${inline(node.content)}</h3>`;
    case "paragraph":
      return html`<p>${inline(node.content)}</p>`;
    case "code":
      return html`<pre><code>${node.text}</code></pre>`;
    case "list": {
      const items = node.items.map((item) => html`<li>${inline(item)}</li>`);
      return node.ordered
        ? html`<ol>
            ${items}
          </ol>`
        : html`<ul>
            ${items}
          </ul>`;
    }
    case "table":
      return html`<div class="scroll" tabindex="0" role="region" aria-label=${`Table: ${node.header.map(plain).filter(Boolean).join(", ")}`}>
        <table>
          <thead>
            <tr>
              ${node.header.map((cell) => (cell.length > 0 ? html`<th scope="col">${inline(cell)}</th>` : html`<td></td>`))}
            </tr>
          </thead>
          <tbody>
            ${node.rows.map(
              ([first = [], ...cells]) => html`<tr>
                <th scope="row">${inline(first)}</th>
                ${cells.map((cell) => html`<td>${inline(cell)}</td>`)}
              </tr>`,
            )}
          </tbody>
        </table>
      </div>`;
  }
}

const plain = (content: Inline[]): string => content.map(({ text }) => text).join("");

function inline(content: Inline[]): TemplateResult[] {
  return content.map((part) => {
    switch (part.type) {
      case "text":
        return html`${part.text}`;
      case "strong":
        return html`<strong>${part.text}</strong>`;
      case "emphasis":
        return html`<em>${part.text}</em>`;
      case "code":
        return html`<code>${part.text}</code>`;
      case "link":
        return html`<a href=${part.href} target="_blank" rel="noopener noreferrer">${part.text}</a>`;
    }
  });
}
