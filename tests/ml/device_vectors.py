"""Writes what the page's own classification must agree with: ``python -m tests.ml.device_vectors``.

Each vector is a picture of 8 bits a channel with Python's tensors (by their SHA-256) and its colourfulness, and the
outputs of the network with the answer that they give. The committed ones are of pictures drawn here. With
``--images DIR --output FILE`` they are of the images of a folder, which are not to be committed; the page's tests read
that file too if ``SCANPROOF_DEVICE_VECTORS`` names it.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ml.bundle.procedures import procedure_of
from ml.datasets.phantom import phantom_png
from ml.errors import ImageError
from ml.inference.activation import placed
from ml.inference.calibration import softmax
from ml.inference.overlay import activation_overlay
from ml.inference.prediction import decide
from ml.inference.registry import Registry
from ml.inference.single_network import Predictor
from ml.preprocessing.images import colourfulness, decode_image
from ml.segmentation.segmenter import LONGEST_SIDE, contours_of, strongest_region

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "frontend" / "inference" / "vectors.json"
_registry = Registry()
PROCEDURES = ("grey-crop-pad-128-v1", "grey-crop-pad-224-v1", "thumbnail-64-v1")
MODEL = "brain-mri"
OUTLINED = "grey-crop-pad-224-v1"
THRESHOLD = 0.45


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="device_vectors", description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, help="a folder of images, in place of those that are drawn")
    parser.add_argument("--output", type=Path, default=VECTORS)
    options = parser.parse_args(arguments)
    pictures = read(options.images) if options.images else drawn()
    options.output.write_text(json.dumps([vector(*each) for each in pictures], indent=1) + "\n")


def drawn() -> Iterator[tuple[str, Image.Image]]:
    """Pictures for each rule of the preprocessing."""
    head = decode_image(phantom_png(size=128, seed=1))
    smooth = head.reduce(2)
    random = np.random.default_rng(7)
    framed = Image.new("L", (150, 120), 255)
    framed.paste(smooth.resize((60, 70)), (45, 30))
    shades = np.add.outer(np.arange(90) * 2, np.arange(41) * 3) % 256
    yield "a head", head
    yield "a head, wider than high", head.crop((20, 50, 110, 80))
    yield "a small head, enlarged", smooth.reduce(2)
    yield "a head in a bright frame", framed
    yield "a high picture, whose height shrinks more than its width", Image.fromarray(shades.astype(np.uint8))
    yield (
        "a large picture, reduced before it is resized",
        Image.fromarray((shades % 7 * 40).astype(np.uint8)).resize((301, 523), Image.Resampling.NEAREST),
    )
    yield "noise in colour", Image.fromarray(random.integers(0, 256, (21, 33, 3), dtype=np.uint8))
    yield "slightly colourful", Image.merge("RGB", (smooth, smooth, smooth.point(lambda level: level * 9 // 10)))
    yield "one colour", Image.new("RGB", (40, 30), (120, 60, 200))
    yield "one grey", Image.new("L", (3, 2), 77)
    yield "one line", Image.fromarray(np.arange(0, 200, dtype=np.uint8)[None])


def read(folder: Path) -> Iterator[tuple[str, Image.Image]]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            yield path.name, decode_image(path.read_bytes())
        except ImageError as error:
            print(f"{path.name} is left out: {error}")


def vector(name: str, image: Image.Image) -> dict[str, Any]:
    tensors = {id_: procedure_of(id_).run(image).pixels for id_ in PROCEDURES}
    return {
        "name": name,
        "width": image.width,
        "height": image.height,
        "channels": len(image.getbands()),
        "pixels": _text(zlib.compress(np.asarray(image).tobytes(), 9)),
        "colourfulness": colourfulness(image),
        "tensors": {id_: hashlib.sha256(pixels.tobytes()).hexdigest() for id_, pixels in tensors.items()},
        "answer": answer(image),
        "outline": outline(image),
    }


def answer(image: Image.Image) -> dict[str, Any]:
    """What the network gives for the image, and the prediction."""
    model = Predictor(_registry.bundle(MODEL))
    found = model.examine(model.prepare(image))
    metadata, output = model.bundle.metadata, found.output
    probabilities = softmax(output.logits[None], metadata.temperature)[0]
    made = decide(metadata, image, found.seen, probabilities, found.ood_score, found.activation_map, 0.0)
    overlay = None if made.abstained else activation_overlay(made)
    maps = np.asarray(output.activation_maps)
    return {
        "crop": asdict(found.seen.crop),
        "logits": [float(value) for value in output.logits],
        "features": _floats(output.required_features()),
        "maps": {"shape": maps.shape, "values": _floats(maps)},
        "label": made.label,
        "reason": made.reason,
        "confidence": made.confidence,
        "probabilities": made.probabilities,
        "oodScore": made.ood_score,
        "overlay": None if overlay is None else _text(zlib.compress(decoded(overlay), 9)),
    }


def outline(image: Image.Image) -> dict[str, Any]:
    """Where the brightness of the network's input, taken for probabilities, reaches ``THRESHOLD``: the area in pixels
    of the image, and that of each contour."""
    seen = procedure_of(OUTLINED).run(image)
    region = strongest_region(seen.pixels[0, :, :, 0], THRESHOLD)
    laid = placed(region, seen, min(LONGEST_SIDE, max(image.size)))
    pixels = round(int((laid >= THRESHOLD).sum()) * image.width * image.height / laid.size)
    areas = [polygon_area(np.array(contour)) for contour in contours_of(laid, THRESHOLD, image.size)]
    return {"threshold": THRESHOLD, "pixels": pixels, "areas": sorted(areas)}


def polygon_area(corners: np.ndarray) -> float:
    x, y = corners.T
    return round(abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2, 2)


def decoded(png: bytes) -> bytes:
    return np.asarray(Image.open(io.BytesIO(png))).tobytes()


def _floats(values: np.ndarray) -> str:
    return _text(values.astype("<f4").tobytes())


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


if __name__ == "__main__":
    main()
