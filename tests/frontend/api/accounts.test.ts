import { describe, expect, it, vi } from "vitest";
import { AccountClient } from "../../../frontend/src/api/accounts";
import { ApiProblem } from "../../../frontend/src/api/errors";
import { base64url, fromBase64url } from "../../../frontend/src/api/passkeys";

function clientWith(body: unknown, status = 200) {
  const fetcher = vi.fn<typeof fetch>(async () => new Response(status === 204 ? null : JSON.stringify(body), { status }));
  return { client: new AccountClient(fetcher), request: () => fetcher.mock.calls[0] as [string, RequestInit] };
}

describe("accounts", () => {
  it("send the header of the page with every change, and with nothing else", async () => {
    const { client, request } = clientWith(null, 204);
    await client.signOut();
    expect(request()).toMatchObject(["/api/v1/session", { method: "DELETE", headers: { "X-ScanProof-Request": "1" } }]);
    const read = clientWith({ accounts: false });
    await read.client.session();
    expect(read.request()[1].headers).toEqual({ Accept: "application/json" });
  });

  it("say what is wrong with each field", async () => {
    const problem = { type: "urn:scanproof:problem:invalid-fields", title: "t", status: 422, detail: "d", fields: { name: "enter it" } };
    const raised: unknown = await clientWith(problem, 422).client.register({}).catch((error: unknown) => error);
    expect(raised).toBeInstanceOf(ApiProblem);
    expect((raised as ApiProblem).fields).toEqual({ name: "enter it" });
  });

  it("end one session, or every other one", async () => {
    const one = clientWith(null, 204);
    await one.client.endSession("ab");
    expect(one.request()[0]).toBe("/api/v1/account/sessions/ab");
    const others = clientWith(null, 204);
    await others.client.endSession();
    expect(others.request()[0]).toBe("/api/v1/account/sessions");
  });
});

describe("base64url", () => {
  it("is that of WebAuthn: without padding, with - and _", () => {
    const octets = Uint8Array.from([251, 255, 190, 0, 7]);
    expect(base64url(octets.buffer)).toBe("-_--AAc");
    expect(fromBase64url("-_--AAc")).toEqual(octets);
  });
});
