"""Classification on this device: the answer of the built page's own threads."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[3]
LABEL = "result-label"
_CLASSIFY = """async ([decoder, inference, encoded]) => {
  window.answerOf ??= async (name, request) => {
    window[name] ??= new Worker(name, { type: "module" });
    return new Promise((resolve, reject) => {
      window[name].onmessage = ({ data }) => data.progress || resolve(data);
      window[name].onerror = ({ message }) => reject(new Error(message));
      window[name].postMessage({ id: 1, ...request });
    });
  };
  window.models ??= (await (await fetch("/api/v1/models")).json()).models;
  window.key = (window.key ?? 0) + 1;
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  const file = new Blob([bytes]);
  const started = performance.now();
  const dicom = String.fromCharCode(...bytes.subarray(128, 132)) === "DICM";
  const deep = bytes[0] === 0x89 && bytes[24] === 16 && bytes[25] === 0 && bytes[28] === 0;
  const stored = dicom || deep;
  const decoded = stored ? await window.answerOf(decoder, { key: window.key, file, frame: 0 }) : { raster: file };
  if (decoded.problem) return decoded;
  const request = { image: decoded.raster, models: window.models, outlined: null };
  const { answer, problem } = await window.answerOf(inference, request);
  if (problem) return { problem };
  const { label, reason, probabilities, model, overlay } = answer;
  const milliseconds = performance.now() - started;
  return { label, reason, probabilities, model: model.sha256, drawn: overlay !== null, milliseconds };
}"""


def answer_of(page: Page, image: bytes) -> Any:
    """What the page's threads say of the image: ``problem``, or the answer with its ``milliseconds``."""
    names = [worker_address(name) for name in ("decoder", "inference")]
    return page.evaluate(_CLASSIFY, [*names, base64.b64encode(image).decode()])


def worker_address(name: str) -> str:
    """Of the script of a thread of the built page."""
    (found,) = (ROOT / "frontend" / "dist" / "assets").glob(f"{name}-worker-*.js")
    return f"/assets/{found.name}"
