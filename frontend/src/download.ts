/** Saves `text` as a file of the person's, out of this page; nothing is sent. */
export function download(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = name;
  link.click();
  // Some browsers begin to read a while after the click.
  window.setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
