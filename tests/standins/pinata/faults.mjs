// Misbehaviour on demand. A fault is {at, kind, times, ...}: it strikes the next `times` requests to the place `at`
// ("upload", "api", "gateway" or "public").
const faults = [];

export function add(fault) {
  faults.push({ times: 1, ...fault });
}

export function clear() {
  faults.length = 0;
}

export function next(place) {
  const fault = faults.find((candidate) => candidate.at === place && candidate.times > 0);
  if (fault) fault.times -= 1;
  return fault ?? { kind: 'none' };
}

const STATUS = {
  unauthorized: [401, { error: { reason: 'INVALID_CREDENTIALS', details: 'Invalid/expired credentials' } }],
  'no-scopes': [403, { error: { reason: 'NO_SCOPES_FOUND', details: 'This key has no scopes' } }],
  'rate-limit': [429, { error: { reason: 'RATE_LIMITED', details: 'Too many requests' } }],
  'bad-request': [400, { error: { reason: 'BAD_REQUEST', details: 'Bad request' } }],
  'server-error': [500, { error: 'Internal server error' }],
  'not-found': [404, { error: 'Not found' }],
  garbage: [200, 'not JSON'],
};

// Strikes before the request is handled. True when the request is answered by that.
export function strikeRequest(fault, request, response) {
  if (fault.kind === 'reset') {
    request.socket.resetAndDestroy();
    return true;
  }
  if (fault.kind === 'redirect') {
    response.writeHead(302, { Location: fault.location }).end();
    return true;
  }
  if (fault.kind === 'silence') return true;
  if (fault.kind === 'answer') {
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(fault.body));
    return true;
  }
  if (!(fault.kind in STATUS)) return false;
  const [status, body] = STATUS[fault.kind];
  const headers = fault.retryAfter === undefined ? {} : { 'Retry-After': fault.retryAfter };
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
  return true;
}

// Sends a body, as the fault will have it.
export async function sendBody(fault, response, body) {
  const length = { 'Content-Length': body.length };
  if (fault.kind === 'cut') {
    response.writeHead(200, length).write(body.subarray(0, body.length / 2), () => response.destroy());
  } else if (fault.kind === 'slow') {
    response.writeHead(200, length);
    for (const byte of body) {
      if (response.destroyed) return;
      response.write(Uint8Array.of(byte));
      await new Promise((resolve) => setTimeout(resolve, fault.pauseMs ?? 100));
    }
    response.end();
  } else if (fault.kind === 'tampered') {
    const tampered = Buffer.from(body);
    tampered[tampered.length >> 1] ^= 1;
    response.writeHead(200, length).end(tampered);
  } else if (fault.kind === 'endless') {
    response.writeHead(200);
    const block = Buffer.alloc(65536);
    while (!response.destroyed) {
      if (!response.write(block)) await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
    }
  } else {
    response.writeHead(200, length).end(body);
  }
}
