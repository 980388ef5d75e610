/** The key by which this browser makes new UIDs, pseudonyms and dates. It cannot be read, only used. */

const DATABASE = "scanproof.dicom";
const STORE = "keys";
const NAME = "sender";
const ALGORITHM = { name: "HMAC", hash: "SHA-256", length: 256 };

let key: Promise<CryptoKey> | undefined;

/** The same key on every visit; where the browser stores nothing, the same until the page is left. */
export function senderKey(): Promise<CryptoKey> {
  key ??= stored().catch(() => made());
  return key;
}

function made(): Promise<CryptoKey> {
  return crypto.subtle.generateKey(ALGORITHM, false, ["sign"]);
}

async function stored(): Promise<CryptoKey> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await answerOf(opening);
  try {
    const found = await answerOf(database.transaction(STORE).objectStore(STORE).get(NAME) as IDBRequest<CryptoKey | undefined>);
    if (found) return found;
    // Another tab may have been faster: its key counts.
    const fresh = await made();
    const store = database.transaction(STORE, "readwrite").objectStore(STORE);
    const first = (await answerOf(store.get(NAME))) as CryptoKey | undefined;
    if (!first) await answerOf(store.put(fresh, NAME));
    return first ?? fresh;
  } finally {
    database.close();
  }
}

function answerOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the browser stores nothing"));
  });
}
