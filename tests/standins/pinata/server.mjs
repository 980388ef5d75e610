// A stand-in for Pinata and for a public gateway, for tests only: see README.md.
// Prints {"api": port, "gateway": port, "public": port} when ready, ends when its standard input does.
import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import * as faults from './faults.mjs';
import * as files from './files.mjs';

const { JWT, SCOPELESS_JWT, GATEWAY_TOKEN } = process.env;
const requests = [];
const links = new Map();
const ports = {};

function send(response, status, body) {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

async function read(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

function authorize(request, response, { scopes = true } = {}) {
  const token = request.headers.authorization?.match(/^Bearer (.+)$/)?.[1];
  const valid = token === JWT || token === SCOPELESS_JWT;
  const kind = !valid ? 'unauthorized' : scopes && token === SCOPELESS_JWT ? 'no-scopes' : 'none';
  return !faults.strikeRequest({ kind }, request, response);
}

async function upload(request, response, fault) {
  const body = await read(request);
  const headers = { 'Content-Type': request.headers['content-type'] ?? '' };
  const form = await new Response(body, { headers }).formData().catch(() => new FormData());
  const [file, network] = [form.get('file'), form.get('network')];
  if (!(file instanceof Blob)) return send(response, 400, { error: { reason: 'FILE_REQUIRED' } });
  // Pinata would take "private" for a missing network; ScanProof must never leave that to chance.
  if (!['public', 'private'].includes(network)) return send(response, 400, { error: { reason: 'NETWORK_REQUIRED' } });
  const bytes = Buffer.from(await file.arrayBuffer());
  const name = form.get('name') ?? file.name;
  const data = await files.pin({ bytes, name, network, mimeType: file.type });
  if (fault.kind === 'wrong-cid') data.cid = fault.cid;
  await faults.sendBody(fault, response, Buffer.from(JSON.stringify({ data })));
}

async function api(request, response, url, fault) {
  const [, network, id] = url.pathname.match(/^\/v3\/files\/(public|private)(?:\/([^/]+))?$/) ?? [];
  if (url.pathname === '/data/testAuthentication') {
    if (authorize(request, response, { scopes: false })) send(response, 200, { message: 'Congratulations! You are communicating with the Pinata API!' });
  } else if (!authorize(request, response)) {
    return;
  } else if (request.method === 'POST' && url.pathname === '/v3/files') {
    await upload(request, response, fault);
  } else if (request.method === 'POST' && url.pathname === '/v3/files/private/download_link') {
    const asked = JSON.parse(await read(request));
    const secret = randomUUID();
    links.set(secret, new URL(asked.url).pathname);
    const link = fault.kind === 'wrong-link' ? fault.link : `${asked.url}?X-Algorithm=PINATA1&X-Signature=${secret}`;
    send(response, 200, { data: link });
  } else if (request.method === 'GET' && network && !id) {
    const found = files.find(network, url.searchParams.get('cid')).slice(0, Number(url.searchParams.get('limit') ?? 10));
    send(response, 200, { data: { files: found.map(({ entry }) => entry), next_page_token: '' } });
  } else if (network && files.get(network, id)) {
    const { entry } = files.get(network, id);
    if (request.method === 'DELETE') files.remove(id);
    send(response, 200, { data: request.method === 'DELETE' ? null : entry });
  } else {
    send(response, 404, { error: 'Not found' });
  }
}

async function gateway(request, response, url, fault, place) {
  const [, folder, cid] = url.pathname.match(/^\/(ipfs|files)\/([^/]+)$/) ?? [];
  const signed = links.get(url.searchParams.get('X-Signature')) === url.pathname;
  if (place === 'gateway' && !signed && request.headers['x-pinata-gateway-token'] !== GATEWAY_TOKEN) {
    return send(response, 403, { error: 'The owner of this gateway does not have this content pinned' });
  }
  const network = folder === 'files' && signed && place === 'gateway' ? 'private' : 'public';
  const [file] = folder === 'files' && !signed ? [] : files.find(network, cid);
  if (!cid || !file) return send(response, 404, { error: 'Not found' });
  await faults.sendBody(fault, response, file.bytes);
}

async function control(request, response) {
  if (request.method === 'POST') faults.add(JSON.parse(await read(request)));
  if (request.method === 'DELETE') {
    faults.clear();
    files.clear();
    links.clear();
    requests.length = 0;
  }
  send(response, 200, { requests });
}

async function handle(place, request, response) {
  const url = new URL(request.url, 'http://localhost');
  if (place === 'api' && url.pathname === '/__control') return control(request, response);
  requests.push({ place, method: request.method, url: request.url, headers: request.headers });
  const fault = faults.next(place === 'api' && request.method === 'POST' && url.pathname === '/v3/files' ? 'upload' : place);
  if (faults.strikeRequest(fault, request, response)) return;
  await (place === 'api' ? api(request, response, url, fault) : gateway(request, response, url, fault, place));
}

for (const place of ['api', 'gateway', 'public']) {
  const server = createServer((request, response) => {
    handle(place, request, response).catch((error) => {
      if (response.headersSent) response.destroy();
      else send(response, 500, { error: String(error) });
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  ports[place] = server.address().port;
}
console.log(JSON.stringify(ports));
process.stdin.resume().on('end', () => process.exit());
