import { Transport, USUAL_MS } from "./transport";
import type {
  Account,
  AccountEvent,
  CodeApp,
  Confirmation,
  Credentials,
  CredentialsOverview,
  CurrentSession,
  Hex,
  LinkedWallet,
  NewPassword,
  NewWallet,
  Passkey,
  PasskeyOptions,
  Profile,
  PublicKeyCredential,
  Registration,
  Reset,
  Role,
  Session,
  UsedWallet,
  WalletMessage,
} from "./types";

/** The accounts of the server. Every method raises ServerUnreachable or ApiProblem. */
export class AccountClient extends Transport {
  session(): Promise<CurrentSession> {
    return this.get("/session");
  }

  signIn(credentials: Credentials): Promise<CurrentSession> {
    return this.post("/session", credentials);
  }

  async signOut(): Promise<void> {
    await this.remove("/session");
  }

  async register(registration: Registration): Promise<void> {
    await this.post("/accounts", registration);
  }

  confirm(confirmation: Confirmation): Promise<CurrentSession> {
    return this.post("/accounts/confirmations", confirmation);
  }

  async sendReset(email: string): Promise<void> {
    await this.post("/password-resets", { email });
  }

  reset(values: Reset): Promise<CurrentSession> {
    return this.put("/password-resets", values);
  }

  changeProfile(profile: Profile): Promise<Account> {
    return this.put("/account", profile);
  }

  changePassword(values: NewPassword): Promise<CurrentSession> {
    return this.put("/account/password", values);
  }

  async sessions(): Promise<Session[]> {
    return (await this.get<{ sessions: Session[] }>("/account/sessions")).sessions;
  }

  /** Every other one without an id. */
  async endSession(sessionId?: string): Promise<void> {
    await this.remove(sessionId ? `/account/sessions/${sessionId}` : "/account/sessions");
  }

  async events(): Promise<AccountEvent[]> {
    return (await this.get<{ events: AccountEvent[] }>("/account/events")).events;
  }

  export(): Promise<object> {
    return this.get("/account/export");
  }

  async close(password: string): Promise<void> {
    await this.send("POST", "/account/closure", { password });
  }

  credentials(): Promise<CredentialsOverview> {
    return this.get("/account/credentials");
  }

  beginCodes(password: string): Promise<CodeApp> {
    return this.post("/account/codes", { password });
  }

  async confirmCodes(code: string): Promise<string[]> {
    return (await this.put<{ recoveryCodes: string[] }>("/account/codes", { code })).recoveryCodes;
  }

  async removeCodes(password: string): Promise<void> {
    await this.send("POST", "/account/codes/removal", { password });
  }

  passkeyCreation(password: string): Promise<PasskeyOptions> {
    return this.post("/account/passkeys/options", { password });
  }

  addPasskey(name: string, credential: PublicKeyCredential): Promise<Passkey> {
    return this.post("/account/passkeys", { name, credential });
  }

  async removePasskey(passkeyId: string): Promise<void> {
    await this.remove(`/account/passkeys/${passkeyId}`);
  }

  passkeyRequest(): Promise<PasskeyOptions> {
    return this.post("/session/passkey/options", {});
  }

  usePasskey(credential: PublicKeyCredential): Promise<CurrentSession> {
    return this.post("/session/passkey", { credential });
  }

  /** What a wallet must sign, to be linked or to sign in. */
  walletMessage(purpose: "link" | "sign-in"): Promise<WalletMessage> {
    return this.post(purpose === "link" ? "/account/wallets/message" : "/session/wallet/message", {});
  }

  linkWallet(values: NewWallet): Promise<LinkedWallet> {
    return this.post("/account/wallets", values);
  }

  async removeWallet(address: Hex): Promise<void> {
    await this.remove(`/account/wallets/${address}`);
  }

  useWallet(values: UsedWallet): Promise<CurrentSession> {
    return this.post("/session/wallet", values);
  }

  async people(): Promise<Account[]> {
    return (await this.get<{ accounts: Account[] }>("/people")).accounts;
  }

  changeRole(accountId: string, role: Role, approved: boolean): Promise<Account> {
    return this.put(`/people/${accountId}`, { role, approved });
  }

  private put<T>(path: string, body: object): Promise<T> {
    const init = { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    return this.request(path, init, USUAL_MS);
  }

  private remove(path: string): Promise<string> {
    return this.answer(path, { method: "DELETE" }, USUAL_MS, (response) => response.text());
  }

  /** For an answer without a body. */
  private send(method: string, path: string, body: object): Promise<string> {
    const init = { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    return this.answer(path, init, USUAL_MS, (response) => response.text());
  }
}

export const accounts = new AccountClient();
