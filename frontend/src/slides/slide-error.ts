/** A whole-slide image that cannot be read; the message is for people. */
export class SlideError extends Error {}
