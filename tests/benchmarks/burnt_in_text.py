"""Text that is part of pictures: how much is found, and how often an image without text is said to have some.

    uv run python -m tests.benchmarks.burnt_in_text [--json] [--overlays N] [--free FOLDER]

Overlays are names, numbers and dates, drawn over generated slices at the sizes at which scanners draw them. An overlay
counts as found if a found place covers half of it. FOLDER has the images whose SHA-256 ``text_free_images.txt`` lists,
each of which a person looked at and found free of text. Expected: at least 95 % found, at most 2 % false alarms.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from backend.adapters.images.burnt_in_text import find
from backend.domain import TextBox
from ml.datasets.phantom import phantom_png
from ml.preprocessing.images import decode_image

FREE = Path(__file__).with_name("text_free_images.txt")
# Side of the picture, and the heights of its texts, in pixels.
SIZES = ((256, (10, 12, 14)), (512, (11, 13, 16, 20)), (1024, (16, 20, 28)), (2048, (28, 36, 48)))
TEXTS = (
    "DOE^JANE",
    "SMITH, JOHN A.",
    "Müller Hans",
    "Anna Kowalska",
    "MRN 4821-993",
    "ID: 00398121",
    "ACC 77120465",
    "12/03/1961",
    "1961-03-12",
    "12-MAR-1961 F 043Y",
    "St. Mary Hospital",
    "Dr. N. Okafor",
)
FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono.ttf", "")
"""The last one is Pillow's own."""


def overlays(count: int) -> Iterator[tuple[Image.Image, TextBox, str]]:
    """A picture with one text, its place, and what it is."""
    chance = random.Random("overlays")
    for number in range(count):
        side, heights = SIZES[number % len(SIZES)]
        height, text = chance.choice(heights), chance.choice(TEXTS)
        image = Image.open(io.BytesIO(phantom_png(min(side, 512), number))).convert("L").resize((side, side))
        font = _font(chance.choice(FONTS), height)
        left, top, right, bottom = font.getbbox(text)
        width, drawn = int(right - left), int(bottom - top)
        across, down = side - width - 4, side - drawn - 4
        corner = chance.random() < 0.7
        x = chance.choice((4, across)) if corner else chance.randrange(4, max(5, across))
        y = chance.choice((4, down)) if corner else chance.randrange(4, max(5, down))
        ImageDraw.Draw(image).text(
            (x - left, y - top), text, fill=chance.choice((255, 220, 180)), font=font, stroke_width=0 if corner else 1,
            stroke_fill=0,
        )  # fmt: skip
        if chance.random() < 0.3:
            file = io.BytesIO()
            image.save(file, "JPEG", quality=80)
            image = Image.open(file)
        yield image, TextBox(x, y, width, drawn), f"{text!r}, {height} pixels high in {side}"


def _font(name: str, height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    try:
        return ImageFont.truetype(name, height) if name else ImageFont.load_default(height)
    except OSError:  # not installed
        return ImageFont.load_default(height)


def covers(boxes: list[TextBox], place: TextBox) -> bool:
    """Whether the boxes cover half of a place."""
    covered = 0
    for box in boxes:
        across = min(box.x + box.width, place.x + place.width) - max(box.x, place.x)
        down = min(box.y + box.height, place.y + place.height) - max(box.y, place.y)
        covered += max(0, across) * max(0, down)
    return 2 * covered >= place.width * place.height


def recall(count: int) -> dict[str, object]:
    missed, times = [], []
    for image, place, what in overlays(count):
        started = time.perf_counter()
        boxes = find(image)
        times.append(time.perf_counter() - started)
        if not covers(boxes, place):
            missed.append(what)
    return {
        "overlays": count,
        "recall": 1 - len(missed) / count,
        "missed": missed,
        "seconds": {"median": sorted(times)[count // 2], "longest": max(times)},
    }


def false_alarms(folder: Path) -> dict[str, object]:
    listed = set(FREE.read_text().split())
    alarms, seen = [], 0
    for file in sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png")):
        content = file.read_bytes()
        if hashlib.sha256(content).hexdigest() not in listed:
            continue
        seen += 1
        if find(decode_image(content)):
            alarms.append(str(file))
    return {"images": seen, "listed": len(listed), "falseAlarms": len(alarms) / max(1, seen), "alarms": alarms}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--overlays", type=int, default=400)
    parser.add_argument("--free", type=Path)
    options = parser.parse_args()
    found = {"overlays": recall(options.overlays)}
    if options.free:
        found["free"] = false_alarms(options.free)
    print(json.dumps(found) if options.json else json.dumps(found, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
