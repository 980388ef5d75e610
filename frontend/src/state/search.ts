/** A search of the records, as the address of the page holds it. */

import type { RecordSearch } from "../api/client";

const FIELDS: (keyof RecordSearch)[] = [
  ...(["q", "model", "label", "status", "from", "to"] as const),
  ...(["modality", "bodyPart", "sequence", "magnification"] as const),
];

/** What `values` say of the known fields; empty ones ask for nothing. */
export function searchOf(values: URLSearchParams | FormData): RecordSearch {
  const given = FIELDS.map((field) => [field, values.get(field)] as const);
  return Object.fromEntries(
    given.flatMap(([field, value]) => (typeof value === "string" && value.trim() ? [[field, value.trim()]] : [])),
  );
}

/** `path` with the search behind it. */
export function withSearch(path: string, search: RecordSearch): string {
  const query = new URLSearchParams(search).toString();
  return query ? `${path}?${query}` : path;
}

/** Two searches that ask for the same have the same key. */
export const keyOf = (search: RecordSearch): string => withSearch("", search);
