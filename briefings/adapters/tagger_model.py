"""The learned part of the tagger: linear weights over features, read from the catalogue's `tagger.model`.

The file is a line of JSON (outputs, thresholds, calibration, how it was trained), the features, a line each, and the
weights: a row of signed bytes a feature, to be multiplied by the scale of their output; all of it compressed.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from briefings.domain.features import word_of
from briefings.domain.tagging import ON_TOPIC, Judgement
from briefings.errors import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FILE = "tagger.model"
MOST_BYTES = 50_000_000
#: A margin beyond this says nothing more.
FURTHEST = 20.0
#: No number of a model is greater than this; products of such ones are finite.
GREATEST = 1e15
#: What reading a file that is no model ends in.
BROKEN = (OSError, zlib.error, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True)
class LinearModel:
    """Scores topics by features. Thread-safe."""

    version: str
    about: Mapping[str, Any]  #: thresholds, calibration and how it was trained
    outputs: Sequence[str]  #: `on-topic`, `skill:<id>`, `specialization:<id>`
    rows: Mapping[str, int]  #: feature -> row of the weights
    weights: np.ndarray[Any, np.dtype[np.int8]]
    scales: np.ndarray[Any, np.dtype[np.float32]]
    offsets: np.ndarray[Any, np.dtype[np.float32]]

    def judge(self, features: Mapping[str, float]) -> Judgement:
        """What the model thinks of an item, by its features."""
        margins = dict(zip(self.outputs, self._margins(features).tolist(), strict=True))
        return Judgement(
            on_topic=self._probability(ON_TOPIC, margins[ON_TOPIC]),
            skills={name: self._probability("skill", value) for name, value in _of_kind("skill", margins)},
            specializations={name: min(1.0, max(0.0, value)) for name, value in _of_kind("specialization", margins)},
        )

    def knows(self, source: str) -> bool:
        """Whether it has learnt from items of this source."""
        return f"o:{source}" in self.rows

    def because(self, features: Mapping[str, float], skill: str, most: int) -> tuple[str, ...]:
        """The words of an item that speak most for a skill."""
        column = self.outputs.index(f"skill:{skill}")
        parts: dict[str, float] = defaultdict(float)
        for feature, value in features.items():
            if (word := word_of(feature)) and feature in self.rows:
                parts[word] += value * int(self.weights[self.rows[feature], column])
        best = sorted((word for word, part in parts.items() if part > 0), key=lambda word: (-parts[word], word))
        return tuple(best[:most])

    def _margins(self, features: Mapping[str, float]) -> np.ndarray[Any, np.dtype[np.float32]]:
        known = [(self.rows[feature], value) for feature, value in features.items() if feature in self.rows]
        if not known:
            return self.offsets
        rows, values = zip(*known, strict=True)
        strengths = np.array(values, dtype=np.float32)
        found = strengths @ self.weights[list(rows)].astype(np.float32)
        scaled: np.ndarray[Any, np.dtype[np.float32]] = found * self.scales + self.offsets
        return scaled

    def _probability(self, kind: str, margin: float) -> float:
        slope, offset = self.about["calibration"][kind]
        z = max(-FURTHEST, min(FURTHEST, slope * margin + offset))
        return float(1 / (1 + np.exp(-z)))


def load(folder: Path) -> LinearModel | None:
    """The model of a catalogue folder, or None when it has none.

    Raises CatalogueError when it cannot be read, or would fail while tagging.
    """
    try:
        return _unpacked((folder / FILE).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except BROKEN as error:
        raise CatalogueError(
            f"{folder / FILE} cannot be used ({error!r}); make it again with training/train_tagger.py, or delete it"
        ) from error


def _unpacked(packed: bytes) -> LinearModel:
    """The model in a file's bytes. Raises one of BROKEN."""
    body = zlib.decompressobj().decompress(packed, MOST_BYTES)
    head, _, rest = body.partition(b"\n")
    about = json.loads(head)
    _check(about)
    names, _, weights = rest.partition(b"\0")
    features = names.decode().split("\n")
    return LinearModel(
        version=hashlib.sha256(packed).hexdigest()[:12],
        about=about,
        outputs=tuple(about["outputs"]),
        rows={feature: row for row, feature in enumerate(features)},
        weights=np.frombuffer(weights, dtype=np.int8).reshape(len(features), len(about["outputs"])),
        scales=np.array(about["scales"], dtype=np.float32),
        offsets=np.array(about["offsets"], dtype=np.float32),
    )


def _check(about: Mapping[str, Any]) -> None:
    """Whether all that tagging counts on is there, in number and kind. Raises one of BROKEN."""
    outputs, scales, offsets = (list(about[key]) for key in ("outputs", "scales", "offsets"))
    if ON_TOPIC not in outputs or not all(isinstance(name, str) for name in outputs):
        raise ValueError(f"outputs are names, and {ON_TOPIC} is one")
    if not len(outputs) == len(scales) == len(offsets):
        raise ValueError("outputs, scales and offsets are as many")
    numbers = [*scales, *offsets, *about["thresholds"].values(), *about["examples"].values()]
    for kind in (ON_TOPIC, "skill"):
        slope, offset = about["calibration"][kind]
        numbers += [slope, offset, about["thresholds"][kind]]
    if not all(isinstance(number, int | float) and abs(number) <= GREATEST for number in numbers):
        raise ValueError(f"numbers are between -{GREATEST:g} and {GREATEST:g}")


def save(
    file: Path,
    about: Mapping[str, Any],
    features: Sequence[str],
    weights: np.ndarray[Any, np.dtype[np.float32]],
) -> None:
    """Write a model: `about` has outputs and offsets; the scales are made here, so that a weight fits a byte."""
    scales = np.maximum(np.abs(weights).max(axis=0), 1e-9) / 127
    small = np.round(weights / scales).astype(np.int8)
    kept = np.abs(small).max(axis=1) > 0
    head = {**about, "scales": [float(f"{scale:.6g}") for scale in scales]}
    names = [feature for feature, keep in zip(features, kept, strict=True) if keep]
    body = json.dumps(head, sort_keys=True).encode() + b"\n" + "\n".join(names).encode() + b"\0" + small[kept].tobytes()
    file.write_bytes(zlib.compress(body, 9))


def _of_kind(kind: str, margins: Mapping[str, float]) -> list[tuple[str, float]]:
    start = f"{kind}:"
    return [(name.removeprefix(start), value) for name, value in margins.items() if name.startswith(start)]
