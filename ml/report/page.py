"""The report as one self-contained HTML page: with its pictures, without scripts."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ml.compare.overview import explain, not_trained
from ml.compare.published import PUBLISHED
from ml.compare.results import Result

STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#14232b, #e6eef1); --soft: light-dark(#495b66, #a5b6be);
  --ground: light-dark(#f3f6f7, #0d1518); --panel: light-dark(#fff, #142025); --line: light-dark(#d5dee3, #293a42); }
body { max-width: 76rem; margin: 0 auto; padding: 1rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif; }
section { margin: 1.5rem 0; padding: 1rem 1.5rem; background: var(--panel); border: 1px solid var(--line);
  border-radius: .6rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
caption { text-align: left; color: var(--soft); padding-bottom: .5rem; }
figure { margin: 1.5rem 0; } figcaption { color: var(--soft); }
img { max-width: 100%; height: auto; background: #fff; border-radius: .4rem; }
p, li { max-width: 50rem; } .lead { font-size: 1.1rem; }
:focus-visible { outline: 3px solid #0b57d0; outline-offset: 2px; }
"""
ABOUT_FIGURES = (
    "Every figure is of images that the network was not trained on, with its 95 % bootstrap interval. With two "
    "classes, sensitivity, precision, F1 and PR-AUC are those of the second; with more they are means over the classes."
)
FIGURES = (
    ("Accuracy", "accuracy"),
    ("Balanced accuracy", "balanced_accuracy"),
    ("Error rate", "error_rate"),
    ("Sensitivity (recall)", "sensitivity"),
    ("Specificity", "specificity"),
    ("Precision", "precision"),
    ("F1", "f1"),
    ("ROC-AUC", "macro_auc"),
    ("PR-AUC", "pr_auc"),
    ("Brier score", "brier_score"),
    ("Calibration error", "expected_calibration_error"),
    ("Loss", "negative_log_likelihood"),
)


def page(results: Sequence[Result], pictures: Mapping[str, Mapping[str, tuple[str, bytes]]]) -> str:
    """The page. ``pictures``: for each data set, by file name, the text alternative of a picture and its PNG."""
    names = list(dict.fromkeys(result["data"]["name"] for result in results))
    sections = [
        _section(name, [r for r in results if r["data"]["name"] == name], pictures.get(name, {})) for name in names
    ]
    return "\n".join(
        [
            '<!doctype html><html lang="en"><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>ScanProof: what the networks reach</title><style>{STYLE}</style>",
            "<main><h1>What the networks reach</h1>",
            '<p class="lead">Research models on public images. None of them is for diagnosis.</p>',
            f"<p>{ABOUT_FIGURES}</p>",
            *sections,
            _published(),
            "</main></html>\n",
        ]
    )


def _section(name: str, results: Sequence[Result], pictures: Mapping[str, tuple[str, bytes]]) -> str:
    first = results[0]["data"]
    unit = f", {first['groups']:,} {first['unit']}s" if first["groups"] else ""
    why, missing = explain(results), not_trained(results)
    return "\n".join(
        [
            f'<section aria-labelledby="{escape(name)}"><h2 id="{escape(name)}">{escape(name)}</h2>',
            f"<p>{first['images']:,} images{unit}; classes {escape(', '.join(first['labels']))}.</p>",
            f"<p><strong>{escape(why)}</strong></p>" if why else "",
            _table(
                "Figures with 95 % intervals, the honest protocol first",
                ["Network", "Recipe", "Protocol", *(title for title, _ in FIGURES)],
                [
                    [
                        r["network"]["name"],
                        r["recipe"]["name"],
                        r["protocol"],
                        *(_figure(r["figures"], key) for _, key in FIGURES),
                    ]
                    for r in results
                ],
            ),
            _table(
                "Cost",
                ["Network", "Recipe", "Protocol", "Seconds an epoch", "Parameters", "Trained", "File", "An image"],
                [_cost(result) for result in results],
            ),
            "<h3>To be known before comparing</h3><ul>",
            *(f"<li>{escape(_who(result))}: {escape(' '.join(result['cautions']))}</li>" for result in results),
            f"<li>Not trained for this comparison: {escape(', '.join(missing))}.</li>" if missing else "",
            "</ul>",
            *(_picture(words, content) for words, content in pictures.values()),
            "</section>",
        ]
    )


def _published() -> str:
    rows = [
        [
            each.source,
            each.network,
            *("" if value is None else f"{value:.3f}" for value in (each.loss, each.auc, each.accuracy)),
            each.data,
        ]
        for each in PUBLISHED
    ]
    header = ["Source", "Network", "Loss", "ROC-AUC", "Accuracy", "On"]
    return (
        "<section><h2>What the sources published</h2><p>On their own data and by their own protocols: not measured "
        f"here, and not to be compared digit by digit.</p>{_table('Published figures', header, rows)}</section>"
    )


def _who(result: Result) -> str:
    return f"{result['network']['name']}, {result['recipe']['name']}, {result['protocol']}"


def _figure(figures: Mapping[str, Any], name: str) -> str:
    if figures[name] is None:
        return "undefined"
    low, high = figures[f"{name}_interval"] or (None, None)
    return f"{figures[name]:.3f}" + ("" if low is None else f" ({low:.3f} to {high:.3f})")


def _cost(result: Result) -> list[str]:
    network, cost = result["network"], result["cost"]
    return [
        network["name"],
        result["recipe"]["name"],
        result["protocol"],
        f"{cost['seconds_per_epoch']:.2f}" + (" (head alone)" if network["frozen_backbone"] else ""),
        f"{network['parameters']['total']:,}",
        f"{network['parameters']['trainable']:,}",
        f"{cost['bytes'] / 1e6:.2f} MB",
        f"{cost['milliseconds']:.2f} ms",
    ]


def _table(caption: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'
        for first, *cells in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _picture(words: str, content: bytes) -> str:
    source = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    return f'<figure><img src="{source}" alt="{escape(words)}"><figcaption>{escape(words)}</figcaption></figure>'
