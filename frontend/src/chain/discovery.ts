/** Finding wallets: EIP-6963, and `window.ethereum` where no wallet announces itself. */

import { printable } from "../format";

export interface Provider {
  request(request: { method: string; params?: unknown[] }): Promise<unknown>;
  on(event: string, listener: (payload: never) => void): unknown;
}

export interface Wallet {
  uuid: string;
  name: string;
  /** A data: URI, or null. */
  icon: string | null;
  /** Reverse domain name of its maker; stable over reloads, unlike `uuid`. */
  rdns: string;
  provider: Provider;
}

const INJECTED = "injected";
/** Wallets answer a request at once; this is for those that are injected late. */
const FALLBACK_AFTER_MS = 300;

interface Announcement {
  info?: { uuid?: unknown; name?: unknown; icon?: unknown; rdns?: unknown };
  provider?: Provider;
}

function fromAnnouncement({ info, provider }: Announcement): Wallet | null {
  if (!info || typeof info.uuid !== "string" || typeof provider?.request !== "function") return null;
  const icon = typeof info.icon === "string" && info.icon.startsWith("data:image/") ? info.icon : null;
  const name = typeof info.name === "string" && info.name !== "" ? printable(info.name) : "Wallet";
  return { uuid: info.uuid, name, icon, rdns: typeof info.rdns === "string" ? info.rdns : "", provider };
}

/** The list with one more wallet: one entry a uuid, and no fallback beside wallets that announce themselves. */
export function withWallet(wallets: readonly Wallet[], found: Wallet): Wallet[] {
  if (wallets.some(({ uuid }) => uuid === found.uuid)) return [...wallets];
  if (found.uuid === INJECTED && wallets.length > 0) return [...wallets];
  return [...wallets.filter(({ uuid }) => uuid !== INJECTED), found];
}

/** Calls `onFound` for every wallet, now and later, and `onSearched` once when the first search is over. */
export function discover(onFound: (wallet: Wallet) => void, onSearched: () => void): void {
  const announced: Wallet[] = [];
  window.addEventListener("eip6963:announceProvider", (event) => {
    const wallet = fromAnnouncement((event as CustomEvent<Announcement>).detail);
    if (!wallet) return;
    announced.push(wallet);
    onFound(wallet);
  });
  window.dispatchEvent(new Event("eip6963:requestProvider"));
  const search = () => {
    const provider = (window as { ethereum?: Provider & { isMetaMask?: boolean } }).ethereum;
    if (announced.length === 0 && typeof provider?.request === "function") {
      onFound({ uuid: INJECTED, name: provider.isMetaMask ? "MetaMask" : "Browser wallet", icon: null, rdns: "", provider });
    }
    onSearched();
  };
  if (announced.length > 0) onSearched();
  else window.setTimeout(search, FALLBACK_AFTER_MS);
}
