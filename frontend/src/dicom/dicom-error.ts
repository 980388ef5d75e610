/** The file is damaged, too large, or no DICOM image. The message is for people and holds no value of the file. */
export class DicomError extends Error {}
