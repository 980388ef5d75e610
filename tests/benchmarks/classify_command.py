"""``scanproof classify FILE`` beside a bare ``Registry`` that predicts: CPU seconds and peak memory of the processes.

    uv run python -m tests.benchmarks.classify_command [--json] [--rounds N] [--image FILE]

They take turns, and the least of all rounds counts. Two images: one that the gate declines, and a phantom, whose tumour
the command outlines as well. An outline needs a second network, so the phantom is also compared with a bare
prediction and outline.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from ml.datasets.phantom import phantom_png

TARGETS = {"cpu": 2.0, "memory": 1.3}
BARE = """
import sys
from pathlib import Path
from ml.inference.registry import Registry
registry, image = Registry(), Path(sys.argv[1]).read_bytes()
registry.for_image(image).predict(image)
"""
BARE_OUTLINE = f"""{BARE}
registry.outliner("brain-mri").predict(image)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each process")
    parser.add_argument("--image", type=Path, help="a further image to classify")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        images = {"declined": Path(folder) / "declined.png", "outlined": Path(folder) / "outlined.png"}
        Image.radial_gradient("L").save(images["declined"])
        images["outlined"].write_bytes(phantom_png())
        if options.image:
            images[options.image.name] = options.image
        result = {name: measure(image, options.rounds) for name, image in images.items()}
    print(json.dumps(result) if options.json else table(result))


def measure(image: Path, rounds: int) -> dict[str, Any]:
    """Least CPU seconds and MiB of each process, and the ratios of the command to the bare ones."""
    python = [sys.executable, "-c"]
    commands = {
        "command": [sys.executable, "-m", "backend.cli", "classify", str(image)],
        "bare": [*python, BARE, str(image)],
        "bare with outline": [*python, BARE_OUTLINE, str(image)],
    }
    least = {name: (float("inf"), float("inf")) for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            least[name] = tuple(map(min, zip(least[name], _run(command), strict=True)))
    ratios = {
        name: {what: round(least["command"][place] / least[name][place], 2) for place, what in enumerate(TARGETS)}
        for name in ("bare", "bare with outline")
    }
    return {
        "cpu_seconds": {name: round(cpu, 3) for name, (cpu, _) in least.items()},
        "mebibytes": {name: round(memory, 1) for name, (_, memory) in least.items()},
        "ratios": ratios,
    }


def table(result: dict[str, Any]) -> str:
    lines = [f"{'image, process':<30}{'CPU s':>8}{'MiB':>8}{'CPU ratio':>11}{'MiB ratio':>11}"]
    for image, measured in result.items():
        for name, cpu in measured["cpu_seconds"].items():
            ratios = "".join(f"{value:>11.2f}" for value in measured["ratios"].get(name, {}).values())
            lines.append(f"{image + ', ' + name:<30}{cpu:>8.2f}{measured['mebibytes'][name]:>8.0f}{ratios}")
    lines.append(f"targets beside bare: CPU {TARGETS['cpu']}, memory {TARGETS['memory']}")
    return "\n".join(lines)


def _run(command: list[str]) -> tuple[float, float]:
    """CPU seconds, of user and system, and peak MiB of a process. Raises ChildProcessError where it fails."""
    nothing = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    process = os.posix_spawn(command[0], command, os.environ, file_actions=nothing)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise ChildProcessError(f"{command} ended with status {os.waitstatus_to_exitcode(status)}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
