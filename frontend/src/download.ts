/** Saves a file of the person's, out of this page, a text as JSON; nothing is sent. */
export function download(name: string, content: string | Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(typeof content === "string" ? new Blob([content], { type: "application/json" }) : content);
  link.download = name;
  link.click();
  // Some browsers begin to read a while after the click.
  window.setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
