/** Passkeys (WebAuthn): the browser's binary values from and to the JSON of the server. */

import type { PublicKeyCredential as Answer } from "./types";

/** Options as the server sends them: binary values in base64url. */
interface Options {
  challenge: string;
  user?: { id: string; name: string; displayName: string };
  excludeCredentials?: { id: string; type: "public-key" }[];
  [name: string]: unknown;
}

/** Makes a passkey; the browser asks the person. Raises DOMException when they decline. */
export async function createPasskey(options: object): Promise<Answer> {
  const { challenge, user, excludeCredentials = [], ...others } = options as Options;
  const publicKey = {
    ...others,
    challenge: fromBase64url(challenge),
    user: { ...user, id: fromBase64url(user?.id ?? "") },
    excludeCredentials: excludeCredentials.map(({ id, type }) => ({ id: fromBase64url(id), type })),
  } as unknown as PublicKeyCredentialCreationOptions;
  const made = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential;
  const { clientDataJSON, attestationObject } = made.response as AuthenticatorAttestationResponse;
  return answerOf(made, {
    clientDataJSON: base64url(clientDataJSON),
    attestationObject: base64url(attestationObject),
  });
}

/** Signs the challenge with a passkey that the person chooses. Raises DOMException when they decline. */
export async function usePasskey(options: object): Promise<Answer> {
  const { challenge, ...others } = options as Options;
  const publicKey = { ...others, challenge: fromBase64url(challenge), allowCredentials: [] };
  const used = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential;
  const { clientDataJSON, authenticatorData, signature, userHandle } = used.response as AuthenticatorAssertionResponse;
  return answerOf(used, {
    clientDataJSON: base64url(clientDataJSON),
    authenticatorData: base64url(authenticatorData),
    signature: base64url(signature),
    userHandle: userHandle && base64url(userHandle),
  });
}

const answerOf = ({ id, type, rawId }: PublicKeyCredential, response: Answer["response"]): Answer => ({
  id,
  rawId: base64url(rawId),
  type,
  response,
});

export function base64url(buffer: ArrayBuffer): string {
  const text = Array.from(new Uint8Array(buffer), (octet) => String.fromCharCode(octet)).join("");
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}
