"""Pictures that are neither brain MRI nor histology, by kind, on which the gate is trained and evaluated.

The photographs are those of the installed scikit-image and scikit-learn; only weights are shipped. The kinds in
``UNSEEN`` are not trained on: they represent unforeseen kinds of images.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from ml.evaluation.outliers import draw_outliers

LEARNED_PHOTOGRAPHS = (
    *("camera", "coins", "grass", "gravel", "moon", "text", "horse", "motorcycle_left", "cell", "logo", "color"),
    *("hubble_deep_field", "page", "chessboard_GRAY"),
)
UNSEEN_PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket", "brick", "clock_motion", "retina", "microaneurysms")
UNSEEN_SCENES = ("china", "flower")

Medical = Sequence[Image.Image]
Draw = Callable[[np.random.Generator, Medical, Medical], Image.Image]


def learned_pictures(count: int, seed: int, brains: Medical, histology: Medical) -> dict[str, list[Image.Image]]:
    """``count`` pictures of each kind to train on; ``brains`` and ``histology`` are distorted beyond recognition."""
    drawn = draw_outliers(count, seed)
    photographs = _views(_photographs(LEARNED_PHOTOGRAPHS), count, seed)
    return drawn | {"photographs": photographs} | _made(LEARNED, count, seed, brains, histology)


def unseen_pictures(count: int, seed: int, brains: Medical, histology: Medical) -> dict[str, list[Image.Image]]:
    """``count`` pictures of each kind that is not trained on."""
    files = _photographs(UNSEEN_PHOTOGRAPHS) + _scenes()
    return {"other photographs": _views(files, count, seed)} | _made(UNSEEN, count, seed, brains, histology)


def crop(generator: np.random.Generator, image: Image.Image, least: float) -> Image.Image:
    """A crop at a random place, each side at least the share ``least`` of the image's."""
    width, height = (round(side * generator.uniform(least, 1.0)) for side in image.size)
    left, top = (
        int(generator.integers(0, whole - part + 1)) for whole, part in zip(image.size, (width, height), strict=True)
    )
    return image.crop((left, top, left + width, top + height))


def _made(
    kinds: dict[str, Draw], count: int, seed: int, brains: Medical, histology: Medical
) -> dict[str, list[Image.Image]]:
    return {
        kind: [draw(np.random.default_rng((seed, number, index)), brains, histology) for index in range(count)]
        for number, (kind, draw) in enumerate(kinds.items())
    }


def _photographs(names: Sequence[str]) -> list[Image.Image]:
    folder = Path(str(resources.files("skimage") / "data"))
    return [Image.open(next(folder.glob(f"{name}.*"))).convert("RGB") for name in names]


def _scenes() -> list[Image.Image]:
    folder = Path(str(resources.files("sklearn") / "datasets" / "images"))
    return [Image.open(folder / f"{name}.jpg").convert("RGB") for name in UNSEEN_SCENES]


def _views(photographs: Sequence[Image.Image], count: int, seed: int) -> list[Image.Image]:
    """Crops of at least a third of each side, one in three of them grey."""
    views = []
    for index in range(count):
        generator = np.random.default_rng((seed, 99, index))
        view = crop(generator, photographs[index % len(photographs)], 0.33)
        views.append(view.convert("L") if generator.random() < 0.33 else view)
    return views


def _any(generator: np.random.Generator, images: Medical) -> Image.Image:
    return images[int(generator.integers(len(images)))]


def _grey_histology(generator: np.random.Generator, _brains: Medical, histology: Medical) -> Image.Image:
    return crop(generator, _any(generator, histology), 0.5).convert("L")


def _other_stain(generator: np.random.Generator, _brains: Medical, histology: Medical) -> Image.Image:
    """A histology image with its hues turned by 80 to 280 degrees: green, blue or yellow, not pink or violet."""
    hue, saturation, value = crop(generator, _any(generator, histology), 0.5).convert("HSV").split()
    turn = int(generator.integers(57, 199))
    return Image.merge("HSV", (hue.point(lambda h: (h + turn) % 256), saturation, value)).convert("RGB")


def _negative_brain(generator: np.random.Generator, brains: Medical, _histology: Medical) -> Image.Image:
    return ImageOps.invert(_any(generator, brains).convert("L"))


def _brain_detail(generator: np.random.Generator, brains: Medical, _histology: Medical) -> Image.Image:
    """A tenth to a quarter of each side, from the middle: tissue without the shape of a head."""
    image = _any(generator, brains)
    side = round(min(image.size) * generator.uniform(0.1, 0.25))
    left, top = (int(generator.uniform(0.3, 0.7) * (whole - side)) for whole in image.size)
    return image.crop((left, top, left + side, top + side))


def _shuffled_brain(generator: np.random.Generator, brains: Medical, _histology: Medical) -> Image.Image:
    """A brain cut into 4 x 4 tiles in another order."""
    tiles = np.asarray(_any(generator, brains).convert("L").resize((256, 256))).reshape(4, 64, 4, 64).swapaxes(1, 2)
    mixed = generator.permutation(tiles.reshape(16, 64, 64)).reshape(4, 4, 64, 64).swapaxes(1, 2)
    return Image.fromarray(np.ascontiguousarray(mixed.reshape(256, 256)))


def _discs(generator: np.random.Generator, _brains: Medical, _histology: Medical) -> Image.Image:
    """A few soft grey discs on black, similar to CT or MRI of phantoms."""
    image = Image.new("L", (256, 256))
    for _ in range(int(generator.integers(1, 8))):
        x, y, a, b = generator.uniform((0, 0, 12, 12), (256, 256, 120, 120))
        ImageDraw.Draw(image).ellipse((x - a, y - b, x + a, y + b), fill=int(generator.integers(30, 256)))
    return image.filter(ImageFilter.GaussianBlur(float(generator.uniform(0, 3))))


def _stained_noise(generator: np.random.Generator, _brains: Medical, histology: Medical) -> Image.Image:
    """The colours of a histology image without its structure: its pixels shuffled, at a coarse or a fine grain."""
    grain = int(generator.choice([4, 16, 64, 256]))
    pixels = np.asarray(_any(generator, histology).convert("RGB").resize((grain, grain))).reshape(-1, 3)
    mixed = generator.permutation(pixels).reshape(grain, grain, 3)
    return Image.fromarray(mixed).resize((256, 256), Image.Resampling.BICUBIC)


def _gradient(generator: np.random.Generator, _brains: Medical, _histology: Medical) -> Image.Image:
    """From one colour to another, pink and violet among them."""
    colours = generator.uniform(0, 255, (2, 3))
    share = np.linspace(0, 1, 256)[:, None, None] * np.ones((1, 256, 1))
    return Image.fromarray((colours[0] * (1 - share) + colours[1] * share).astype(np.uint8)).rotate(
        float(generator.choice([0, 90, 180, 270]))
    )


def _swirled_brain(generator: np.random.Generator, brains: Medical, _histology: Medical) -> Image.Image:
    from skimage.transform import swirl

    grey = np.asarray(_any(generator, brains).convert("L"))
    turned = swirl(grey, strength=float(generator.uniform(6, 12)), radius=max(grey.shape), preserve_range=True)
    return Image.fromarray(turned.astype(np.uint8))


def _negative_histology(generator: np.random.Generator, _brains: Medical, histology: Medical) -> Image.Image:
    return ImageOps.invert(crop(generator, _any(generator, histology), 0.5).convert("RGB"))


def _cells(generator: np.random.Generator, _brains: Medical, _histology: Medical) -> Image.Image:
    """A mosaic of flat cells in any colours (Voronoi)."""
    count = int(generator.integers(8, 80))
    seeds = generator.uniform(0, 128, (count, 2))
    y, x = np.mgrid[:128, :128]
    nearest = np.hypot(y[..., None] - seeds[:, 0], x[..., None] - seeds[:, 1]).argmin(axis=2)
    return Image.fromarray(generator.integers(0, 256, (count, 3)).astype(np.uint8)[nearest]).resize((256, 256))


def _chart(generator: np.random.Generator, _brains: Medical, _histology: Medical) -> Image.Image:
    """A bar chart on white, in colour or black on a dark ground."""
    dark = generator.random() < 0.5
    image = Image.new("RGB", (320, 240), (16, 16, 16) if dark else (255, 255, 255))
    for left in range(30, 300, 30):
        colour = tuple(int(value) for value in generator.integers(0, 256, 3))
        ImageDraw.Draw(image).rectangle((left, int(generator.uniform(20, 200)), left + 20, 220), fill=colour)
    return image


LEARNED: dict[str, Draw] = {
    "sections in grey": _grey_histology,
    "sections in other colours": _other_stain,
    "brains as negatives": _negative_brain,
    "details of brains": _brain_detail,
    "shuffled brains": _shuffled_brain,
    "discs": _discs,
    "shuffled sections": _stained_noise,
    "gradients": _gradient,
}
UNSEEN: dict[str, Draw] = {
    "swirled brains": _swirled_brain,
    "sections as negatives": _negative_histology,
    "mosaics": _cells,
    "charts": _chart,
}
