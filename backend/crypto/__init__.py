"""Encryption of private images: envelopes, wraps of their keys, threshold shares.

Needs numpy and ``cryptography`` only. docs/ENVELOPE.md and docs/SHARES.md specify the formats; ``frontend/src/crypto``
is the same in TypeScript."""
