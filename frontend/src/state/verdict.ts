/** What a verification says, in words that name what was verified. */

import type { Verification } from "../api/types";
import type { Tone } from "./problems";

export interface Verdict {
  tone: Extract<Tone, "success" | "danger">;
  title: string;
  text: string;
}

export function verdictOf({ passed, checks }: Verification): Verdict {
  const failed = checks.filter((check) => !check.passed).length;
  if (!passed) {
    return {
      tone: "danger",
      title: `Not genuine: ${failed} of ${checks.length} checks failed`,
      text: "Do not rely on this record; the failed checks say what does not fit.",
    };
  }
  return {
    tone: "success",
    title: "Verified: the record is genuine",
    text: `Uploader, time, image and signature are as recorded (${checks.length} checks). Whether the result is correct, no check can say.`,
  };
}
