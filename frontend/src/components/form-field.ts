import { css, html, nothing } from "lit";
import type { FormController } from "./form-controller";
import "./sp-notice";

interface Field {
  name: string;
  label: string;
  /** For password managers and the keyboards of telephones (HTML, autofill). */
  autocomplete: string;
  type?: "text" | "email" | "tel" | "password";
  hint?: string;
  value?: string;
}

/** A labelled input with its hint and, after a try, what is wrong with it. */
export function formField(form: FormController, { name, label, autocomplete, type = "text", hint, value }: Field) {
  const message = form.fields[name];
  const described = [hint ? `${name}-hint` : "", message ? `${name}-message` : ""].filter(Boolean).join(" ");
  return html`<div class="field">
    <label for=${name}>${label}</label>
    ${hint ? html`<span class="soft small" id="${name}-hint">${hint}</span>` : nothing}
    <input
      id=${name}
      name=${name}
      type=${type}
      autocomplete=${autocomplete}
      maxlength="300"
      aria-invalid=${message ? "true" : "false"}
      aria-describedby=${described || nothing}
      .defaultValue=${value ?? ""}
      ?disabled=${form.busy}
    />
    ${message ? html`<span class="message small" id="${name}-message" data-testid="${name}-message">${capital(message)}.</span>` : nothing}
  </div>`;
}

/** What kept the last try of the whole from being done. */
export function formProblem({ problem }: FormController) {
  return problem ? html`<sp-notice .problem=${problem}></sp-notice>` : nothing;
}

/** The button that sends a form, and the problem of the last try before it. */
export function formEnd(form: FormController, text: string) {
  return html`${formProblem(form)}
    <div class="actions">
      <button class="button primary" type="submit" ?disabled=${form.busy}>
        ${form.busy ? html`<span class="spinner"></span>` : nothing}${text}
      </button>
    </div>`;
}

/** The two fields of a new password. */
export function newPassword(form: FormController) {
  return html`${formField(form, {
    name: "password",
    label: "New password",
    type: "password",
    autocomplete: "new-password",
    hint: "At least 10 characters. Several words are easy to keep in mind and hard to guess.",
  })}
  ${formField(form, { name: "passwordAgain", label: "New password again", type: "password", autocomplete: "new-password" })}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export const formStyles = css`
  form {
    max-width: 30rem;
  }
  .field {
    display: grid;
    gap: var(--space-1);
  }
  .field label {
    font-weight: 650;
  }
  .message {
    color: var(--danger);
  }
  [aria-invalid="true"] {
    border-color: var(--danger);
  }
`;
