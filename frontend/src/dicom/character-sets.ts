/** Text of DICOM files in their character sets (PS3.3, section C.12.1.1.2; PS3.5, section 6.1.2). */

import { DicomError } from "./dicom-error";
import { bytesOf, latin } from "./elements";

/** Labels of the browser's decoders by the number of the set; the defaults, ASCII and Latin 1, need none. */
const SETS: Record<string, string> = {
  "101": "iso-8859-2",
  "109": "iso-8859-3",
  "110": "iso-8859-4",
  "144": "iso-8859-5",
  "127": "iso-8859-6",
  "126": "iso-8859-7",
  "138": "iso-8859-8",
  "148": "iso-8859-9",
  "203": "iso-8859-15",
  "13": "shift_jis",
  "166": "tis-620",
  "192": "utf-8",
  GB18030: "gb18030",
  GBK: "gbk",
};
const DEFAULTS = ["", "6", "100"];

/** The same by what stands behind an escape character. */
const ESCAPES: Record<string, string | null> = {
  "(B": null,
  "-A": null,
  "-B": "iso-8859-2",
  "-C": "iso-8859-3",
  "-D": "iso-8859-4",
  "-L": "iso-8859-5",
  "-G": "iso-8859-6",
  "-F": "iso-8859-7",
  "-H": "iso-8859-8",
  "-M": "iso-8859-9",
  "-b": "iso-8859-15",
  "-T": "tis-620",
  "(J": "shift_jis",
  ")I": "shift_jis",
  "$)C": "euc-kr",
  "$)A": "gbk",
  "$B": "iso-2022-jp",
  "$@": "iso-2022-jp",
};

/**
 * The text of a value; `sets` is Specific Character Set, as in the file. Raises DicomError for a set that this browser
 * does not decode.
 */
export function decodedText(value: Uint8Array<ArrayBuffer>, sets: string): string {
  const [first = ""] = sets.split("\\").map((each) => each.trim().replace(/^ISO(_| 2022 )IR /, ""));
  const [before = "", ...others] = latin(value).split("\x1b");
  if (others.length > 0 && sets.includes("2022")) {
    return inSet(before, first) + others.map(escaped).join("");
  }
  return inSet(latin(value), first);
}

function inSet(text: string, set: string): string {
  if (DEFAULTS.includes(set)) return text;
  const label = SETS[set];
  if (!label) throw new DicomError(`expected text in a character set that this page reads, found ${JSON.stringify(set.slice(0, 16))}`);
  return decoder(label).decode(bytesOf(text));
}

function escaped(part: string): string {
  const code = Object.keys(ESCAPES).find((each) => part.startsWith(each));
  const label = code === undefined ? undefined : ESCAPES[code];
  if (code === undefined || label === undefined) throw new DicomError("expected text in a character set that this page reads, found another code");
  const text = part.slice(code.length);
  if (label === null) return text;
  return decoder(label).decode(bytesOf(label === "iso-2022-jp" ? `\x1b${part}` : text));
}

function decoder(label: string): TextDecoder {
  return new TextDecoder(label, { ignoreBOM: true });
}
