// The reference for CIDs: for each line {"size": n, "chunkSize": n, "links": n} prints the CID of such a file, which
// counts up in 32-bit little-endian words.
import { BlackHoleBlockstore } from 'blockstore-core';
import { importByteStream } from 'ipfs-unixfs-importer';
import { createInterface } from 'node:readline';
import { layout } from './files.mjs';

function* content({ size }) {
  const block = Buffer.alloc(1 << 20);
  for (let start = 0; start < size; start += block.length) {
    for (let i = 0; i < block.length; i += 4) block.writeUInt32LE(((start + i) / 4) >>> 0, i);
    // The importer keeps what it was given, so it gets a copy.
    yield Uint8Array.prototype.slice.call(block, 0, Math.min(block.length, size - start));
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const file = JSON.parse(line);
  const { cid } = await importByteStream(content(file), new BlackHoleBlockstore(), layout(file));
  console.log(String(cid));
}
