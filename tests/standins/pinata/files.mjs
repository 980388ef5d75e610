// The pinned files, with CIDs from Helia's own importer.
import { MemoryBlockstore } from 'blockstore-core';
import { importBytes } from 'ipfs-unixfs-importer';
import { fixedSize } from 'ipfs-unixfs-importer/chunker';
import { balanced } from 'ipfs-unixfs-importer/layout';
import { randomUUID } from 'node:crypto';

export const layout = ({ chunkSize = 262144, links = 174 } = {}) => ({
  cidVersion: 1,
  rawLeaves: true,
  chunker: fixedSize({ chunkSize }),
  layout: balanced({ maxChildrenPerNode: links }),
});

const files = new Map();

export async function pin({ bytes, name, network, mimeType }) {
  const { cid } = await importBytes(bytes, new MemoryBlockstore(), layout());
  const known = find(network, String(cid))[0];
  if (known) return { ...known.entry, is_duplicate: true };
  const entry = {
    id: randomUUID(),
    name,
    cid: String(cid),
    size: bytes.length,
    number_of_files: 1,
    mime_type: mimeType,
    group_id: null,
    keyvalues: {},
    network,
    created_at: new Date().toISOString(),
  };
  files.set(entry.id, { entry, bytes });
  return { ...entry, is_duplicate: false };
}

export function find(network, cid) {
  return [...files.values()].filter(({ entry }) => entry.network === network && (!cid || entry.cid === cid));
}

export function get(network, id) {
  const file = files.get(id);
  return file?.entry.network === network ? file : undefined;
}

export function remove(id) {
  files.delete(id);
}

export function clear() {
  files.clear();
}
