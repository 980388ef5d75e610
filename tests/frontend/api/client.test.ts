import { describe, expect, it, vi } from "vitest";
import { ApiClient } from "../../../frontend/src/api/client";
import { ApiProblem, ServerUnreachable } from "../../../frontend/src/api/errors";
import { CID, hash, UPLOADER } from "../samples";

function clientWith(respond: () => Response | Promise<Response>) {
  const fetcher = vi.fn<typeof fetch>(async () => respond());
  return { client: new ApiClient(fetcher), request: () => fetcher.mock.calls[0] as [string, RequestInit] };
}

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const problem = (status: number, headers: Record<string, string> = {}) =>
  new Response(
    JSON.stringify({ type: "urn:scanproof:problem:not-found", title: "Not found", status, detail: "no record 0x1" }),
    { status, headers: { "Content-Type": "application/problem+json", ...headers } },
  );
const raised = (promise: Promise<unknown>) => promise.then(() => null, (error: unknown) => error);

describe("requests", () => {
  it("asks for an attestation with its uploader", async () => {
    const { client, request } = clientWith(() => json({ ok: true }, 201));
    expect(await client.attest(CID, hash("b"), UPLOADER)).toEqual({ ok: true });
    const [url, { method, body }] = request();
    expect([url, method]).toEqual([`/api/v1/images/${CID}/attestations`, "POST"]);
    expect(JSON.parse(body as string)).toEqual({ manifestHash: hash("b"), uploader: UPLOADER });
  });

  it("asks for an outline by what one classifier finds", async () => {
    const { client, request } = clientWith(() => json({}));
    await client.outline(CID, "brain-mri ensemble");
    expect(request()[0]).toBe(`/api/v1/images/${CID}/outline?model=brain-mri+ensemble`);
  });

  it("asks for a transaction with sender and nonce", async () => {
    const { client, request } = clientWith(() => json({}));
    await client.transaction(hash("c"), UPLOADER, 4);
    expect(request()[0]).toBe(`/api/v1/transactions/${hash("c")}?from=${UPLOADER}&nonce=4`);
  });

  it("gives an export with the name that the server has for it", async () => {
    const named = new Response("DICM", { headers: { "Content-Disposition": 'attachment; filename="scanproof-12-sr.dcm"' } });
    const { client, request } = clientWith(() => named);
    const { name, content } = await client.exported(hash("d"), "sr");
    expect(request()[0]).toBe(`/api/v1/records/${hash("d")}/exports/sr`);
    expect([name, await content.text()]).toEqual(["scanproof-12-sr.dcm", "DICM"]);
    const nameless = clientWith(() => new Response("DICM")).client;
    expect((await nameless.exported(hash("d"), "sr")).name).toBe("scanproof-sr");
  });

  it("escapes what people type", async () => {
    const { client, request } = clientWith(() => json({}));
    await client.records({ q: "a&b=c", status: "withdrawn" }, "next page");
    expect(request()[0]).toBe("/api/v1/records?q=a%26b%3Dc&status=withdrawn&limit=20&cursor=next+page");
  });

  it("cannot be led to another route by an id", async () => {
    const { client, request } = clientWith(() => json({}));
    await client.record("../config");
    expect(request()[0]).toBe("/api/v1/records/..%2Fconfig");
  });
});

describe("failures", () => {
  it("raises problem details with all their fields", async () => {
    const error = await raised(clientWith(() => problem(404)).client.config());
    expect(error).toBeInstanceOf(ApiProblem);
    expect(error).toMatchObject({
      status: 404,
      type: "urn:scanproof:problem:not-found",
      title: "Not found",
      detail: "no record 0x1",
      retryAfter: null,
    });
  });

  it("reads Retry-After", async () => {
    expect(await raised(clientWith(() => problem(429, { "Retry-After": "42" })).client.config())).toMatchObject({
      retryAfter: 42,
    });
  });

  it("tells a server that is gone from one that says no", async () => {
    const gone = clientWith(() => Promise.reject(new TypeError("Failed to fetch")));
    const proxy = clientWith(() => new Response("<h1>Bad Gateway</h1>", { status: 502 }));
    const refusing = clientWith(() => problem(503));
    expect(await raised(gone.client.config())).toBeInstanceOf(ServerUnreachable);
    expect(await raised(proxy.client.config())).toBeInstanceOf(ServerUnreachable);
    expect(await raised(refusing.client.config())).toBeInstanceOf(ApiProblem);
  });

  it.each(["", "null", "[]", '{"title": 5}', "<html>"])("survives an error whose body is %j", async (body) => {
    const error = await raised(clientWith(() => new Response(body, { status: 500 })).client.config());
    expect(error).toMatchObject({ status: 500, title: "The server answered 500", detail: "" });
  });
});
