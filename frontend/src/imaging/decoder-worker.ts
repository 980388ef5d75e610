/** Decodes files in a thread of its own: what is hostile or large stops nothing but this. */

import { deepPngRaster } from "./deep-png";
import type { DecodedFrame, DecoderReply, DecoderRequest } from "./decoder-messages";
import { deepTiffRaster } from "./deep-tiff";
import { readDicom } from "./dicom-file";
import { dicomRaster } from "./dicom-raster";
import { storedFormat } from "./formats";

type Opened = (frame: number) => Promise<DecodedFrame>;

/** The file of the last request: the frames of one are asked for after each other. */
let last: { key: number; opened: Promise<Opened> } | null = null;

async function open(file: Blob): Promise<Opened> {
  const content = new Uint8Array(await file.arrayBuffer());
  const format = storedFormat(content);
  if (format === "deep-png") return async () => ({ raster: await deepPngRaster(content), frames: 1 });
  if (format === "tiff") return async () => ({ raster: await deepTiffRaster(content), frames: 1 });
  const dicom = await readDicom(content);
  return async (frame) => ({ raster: await dicomRaster(dicom, frame), frames: dicom.frames });
}

async function decode({ key, file, frame }: DecoderRequest): Promise<DecodedFrame> {
  if (last?.key !== key) last = { key, opened: open(file) };
  return (await last.opened)(frame);
}

function reply(answer: DecoderReply, transfer: Transferable[] = []): void {
  self.postMessage(answer, { transfer });
}

self.onmessage = ({ data }: MessageEvent<DecoderRequest>) => {
  decode(data).then(
    (decoded) => reply({ id: data.id, ...decoded }, [decoded.raster.values.buffer]),
    (error: unknown) => reply({ id: data.id, problem: error instanceof Error ? error.message : String(error) }),
  );
};
