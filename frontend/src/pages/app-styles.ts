import { css } from "lit";

export const appStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    min-height: 100dvh;
  }
  .inner {
    width: 100%;
    max-width: var(--page-width);
    margin-inline: auto;
    padding-inline: clamp(var(--space-4), 4vw, var(--space-6));
  }
  header {
    background: var(--surface);
    border-bottom: 1px solid var(--line);
  }
  header {
    position: relative;
  }
  header .inner {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    column-gap: var(--space-4);
    min-height: 4rem;
  }
  .home {
    display: inline-flex;
    align-items: center;
    gap: var(--space-2);
    color: var(--ink);
    font-size: 1.1875rem;
    font-weight: 700;
    letter-spacing: -0.02em;
    text-decoration: none;
  }
  .logo {
    width: 1.75rem;
    height: 1.75rem;
    color: var(--accent);
  }
  nav ul {
    display: flex;
    gap: var(--space-1);
  }
  nav a {
    display: block;
    padding: 1.3rem var(--space-3) calc(1.3rem - 3px);
    border-bottom: 3px solid transparent;
    line-height: 1.4;
    color: var(--ink-soft);
    font-weight: 550;
    text-decoration: none;
  }
  nav a:hover {
    color: var(--ink);
  }
  nav a[aria-current] {
    border-bottom-color: var(--accent);
    color: var(--ink);
  }
  .count {
    padding-inline: 0.45em;
    border-radius: 1em;
    background: var(--accent);
    color: var(--surface);
    font-size: 0.75rem;
    font-variant-numeric: tabular-nums;
  }
  .account {
    margin-left: auto;
  }
  .theme {
    min-width: 2.75rem;
  }
  .home + nav + .theme {
    margin-left: auto;
  }
  main {
    flex: 1;
    padding-block: clamp(var(--space-5), 5vw, var(--space-7));
  }
  footer {
    border-top: 1px solid var(--line);
    color: var(--ink-soft);
    font-size: var(--text-small);
  }
  footer .inner {
    display: flex;
    flex-wrap: wrap;
    justify-content: space-between;
    gap: var(--space-2) var(--space-5);
    padding-block: var(--space-5);
  }
  .skip {
    position: absolute;
    left: var(--space-4);
    top: -4rem;
    z-index: 1;
  }
  .skip:focus {
    top: var(--space-2);
  }
  @media (max-width: 40rem) {
    nav {
      order: 1;
      width: 100%;
      margin-inline: calc(-1 * var(--space-2));
    }
    nav ul {
      flex-wrap: wrap;
      gap: 0;
    }
    nav a {
      padding: var(--space-3) var(--space-2) calc(var(--space-3) - 3px);
    }
    header .inner {
      column-gap: var(--space-2);
      padding-top: var(--space-2);
    }
  }
  @media (max-width: 28rem) {
    nav a {
      padding-inline: var(--space-1);
      font-size: var(--text-small);
    }
  }
  @media print {
    :host {
      display: block;
    }
    nav,
    .account {
      display: none;
    }
    header .inner {
      min-height: 0;
      padding-bottom: var(--space-2);
    }
    .inner {
      padding-inline: 0;
    }
    main {
      padding-block: var(--space-3);
    }
  }
`;
