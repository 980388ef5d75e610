"""Encryption of private images: envelopes, wraps of their keys, threshold shares; text inside pictures.

Needs numpy and ``cryptography`` only. docs/ENVELOPE.md, docs/SHARES.md and docs/HIDING.md specify the formats;
``frontend/src/crypto`` is the same in TypeScript, except for hiding."""
