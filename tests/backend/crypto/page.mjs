/**
 * The page's encryption as a process: each line of stdin is JSON with `task` and hex values, each line of stdout its
 * answer. Vite's module runner loads the TypeScript as the page has it.
 */
import { createInterface } from "node:readline";
import { combine, split } from "shamir-secret-sharing";
import { runnerImport } from "vite";

const source = async (name) =>
  (await runnerImport(new URL(`../../../frontend/src/${name}.ts`, import.meta.url).pathname)).module;
const { hex, fromHex } = await source("bytes");
const { collected, decrypt, encrypt, Kind } = await source("crypto/envelope");
const { readRecipient, readRecipientKey, unwrap, wrap } = await source("crypto/wraps");
const { readSecretWrap, unwrapByPassword, unwrapByPhrase, unwrapByPrf, wrapByPassword, wrapByPhrase, wrapByPrf } =
  await source("crypto/secret-wraps");
const { combine: combineShares, readShare, split: splitFile } = await source("crypto/image-shares");
const { isSealed, seal, unseal } = await source("crypto/sealing");
const { readPng, writePng } = await source("crypto/noise-png");

const text = new TextEncoder();
const whole = async (pieces) => hex(new Uint8Array(await (await collected(pieces)).arrayBuffer()));

const TASKS = {
  encrypt: ({ content, key, chunkBytes }) => whole(encrypt(new Blob([fromHex(content)]), fromHex(key), Kind.file, chunkBytes)),
  decrypt: ({ envelope, key }) => whole(decrypt(new Blob([fromHex(envelope)]), fromHex(key), Kind.file)),
  wrap: async ({ key, pem, boundTo }) => hex(await wrap(fromHex(key), await readRecipient(pem), text.encode(boundTo))),
  unwrap: async ({ wrapped, pem, boundTo }) =>
    hex(await unwrap(fromHex(wrapped), await readRecipientKey(pem), text.encode(boundTo))),
  wrapByPassword: async ({ key, secret, boundTo, cost }) =>
    JSON.stringify(await wrapByPassword(fromHex(key), secret, text.encode(boundTo), cost)),
  unwrapByPassword: async ({ wrap, secret, boundTo }) =>
    hex(await unwrapByPassword(readSecretWrap(wrap), secret, text.encode(boundTo))),
  wrapByPhrase: async ({ key, secret, boundTo }) => JSON.stringify(await wrapByPhrase(fromHex(key), secret, text.encode(boundTo))),
  unwrapByPhrase: async ({ wrap, secret, boundTo }) => hex(await unwrapByPhrase(readSecretWrap(wrap), secret, text.encode(boundTo))),
  wrapByPrf: async ({ key, secret, boundTo }) =>
    JSON.stringify(await wrapByPrf(fromHex(key), fromHex(secret), text.encode(boundTo))),
  unwrapByPrf: async ({ wrap, secret, boundTo }) =>
    hex(await unwrapByPrf(readSecretWrap(wrap), fromHex(secret), text.encode(boundTo))),
  splitKey: async ({ key, shares, threshold }) => (await split(fromHex(key), shares, threshold)).map(hex),
  splitFile: async ({ content, shares, threshold, compact, pem }) => {
    const recipient = await readRecipient(pem);
    const documents = await splitFile(fromHex(content), { shares, threshold, compact });
    return Promise.all(documents.map(async (made, at) => hex(writePng(at % 2 ? await seal(made, recipient) : made))));
  },
  combineFile: async ({ pictures, pem }) => {
    const recipient = await readRecipientKey(pem);
    const shares = pictures.map(async (picture) => {
      const made = await readPng(fromHex(picture), 1 << 24);
      return readShare(isSealed(made) ? await unseal(made, [recipient]) : made);
    });
    return hex(await combineShares(await Promise.all(shares)));
  },
  combineKey: async ({ shares }) => hex(await combine(shares.map(fromHex))),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { task, ...values } = JSON.parse(line);
  console.log(JSON.stringify(await TASKS[task](values)));
}
