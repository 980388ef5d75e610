import { isZip, readZip, ZipRefused, type SourceFile } from "../state/zip";
import { inOrder, MAX_FILES, MAX_STUDY_BYTES } from "../state/study";

/** What a person dropped or chose: one image, or the files of a study. */
export type Chosen = { image: File } | { study: SourceFile[] };

/** Several files, a folder or a ZIP are a study; one other file is an image. Raises ZipRefused. */
export async function chosenOf(files: { name: string; file: File }[], folder: boolean): Promise<Chosen> {
  const [only] = files;
  if (files.length === 1 && only && !folder) {
    if (!(await isZip(only.file))) return { image: only.file };
    return { study: inOrder(await readZip(only.file, { files: MAX_FILES, bytes: MAX_STUDY_BYTES })) };
  }
  return { study: inOrder(files.map(({ name, file }) => sourceOf(name, file))) };
}

/** The files that a file input gives; those of a folder have a path. */
export function filesOf(list: Iterable<File>): { name: string; file: File }[] {
  return [...list].map((file) => ({ name: file.webkitRelativePath || file.name, file }));
}

/** The files that were dropped, those within folders too, and whether there was a folder. Raises ZipRefused. */
export async function filesDropped(data: DataTransfer): Promise<{ files: { name: string; file: File }[]; folder: boolean }> {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const folder = entries.some(({ isDirectory }) => isDirectory);
  if (!folder) return { files: filesOf(data.files), folder };
  const files: { name: string; file: File }[] = [];
  for (const entry of entries) await walk(entry, files);
  return { files, folder };
}

async function walk(entry: FileSystemEntry, files: { name: string; file: File }[]): Promise<void> {
  if (entry instanceof FileSystemFileEntry) {
    if (files.length >= MAX_FILES) throw new ZipRefused(`The folder has more than ${MAX_FILES} files.`);
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    files.push({ name: entry.fullPath.slice(1), file });
  } else if (entry instanceof FileSystemDirectoryEntry) {
    const reader = entry.createReader();
    const next = () => new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    // A browser gives a hundred at a time.
    for (let part = await next(); part.length > 0; part = await next()) for (const each of part) await walk(each, files);
  }
}

export function sourceOf(name: string, file: File): SourceFile {
  return { name, size: file.size, bytes: async () => new Uint8Array(await file.arrayBuffer()) };
}
