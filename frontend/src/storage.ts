/** What the page stores in the browser. Every entry has its own key, so that tabs do not overwrite each other. */

export function read(key: string, storage: Storage = localStorage): unknown {
  try {
    const text = storage.getItem(key);
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/** Optional: a full or forbidden storage must not stop the work. */
export function write(key: string, value: unknown, storage: Storage = localStorage): void {
  try {
    storage.setItem(key, JSON.stringify(value));
  } catch {
    console.warn(`ScanProof could not keep ${key}: a reload would lose it`);
  }
}

export function remove(key: string, storage: Storage = localStorage): void {
  try {
    storage.removeItem(key);
  } catch {
    // What cannot be written was never stored.
  }
}

export function keys(prefix: string, storage: Storage = localStorage): string[] {
  try {
    return Object.keys(storage).filter((key) => key.startsWith(prefix));
  } catch {
    return [];
  }
}
