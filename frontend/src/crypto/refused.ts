/** What is refused. `reason` is a word of the specification, the same in Python; the message is for people. */
export class CryptoRefused extends Error {
  constructor(
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}
