/** Recovery phrases: 128 or 256 random bits as 12 or 24 words (BIP-39, English list). */

import { entropyToMnemonic, generateMnemonic, mnemonicToEntropy } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english";

import { CryptoRefused } from "./refused";

const BITS = { 12: 128, 24: 256 } as const;

/** A phrase that nobody else has. */
export function newPhrase(words: keyof typeof BITS = 24): string {
  return generateMnemonic(wordlist, BITS[words]);
}

/** The words of 16 or 32 bytes. */
export function phraseOf(entropy: Uint8Array): string {
  if (entropy.length !== 16 && entropy.length !== 32) throw new RangeError(`expected 16 or 32 bytes, found ${entropy.length}`);
  return entropyToMnemonic(entropy, wordlist);
}

/**
 * The bytes of a phrase, whose words may be in capitals and have any space between. Throws CryptoRefused, with what is
 * wrong: the number of words, a word, or the checksum.
 */
export function entropyOf(phrase: string): Uint8Array<ArrayBuffer> {
  const words = phrase.normalize("NFKD").toLowerCase().trim().split(/\s+/).filter(Boolean);
  if (!(words.length in BITS)) throw new CryptoRefused("phrase", `expected 12 or 24 words, found ${words.length}`);
  const wrong = words.findIndex((word) => !wordlist.includes(word));
  if (wrong >= 0) throw new CryptoRefused("phrase", `word ${wrong + 1} is not a word of recovery phrases`);
  try {
    return new Uint8Array(mnemonicToEntropy(words.join(" "), wordlist));
  } catch {
    throw new CryptoRefused("phrase", "a word is another one, or the words are in another order");
  }
}
