"""Makes `briefings/catalogue/tagger.model` from labelled items. Deterministic; needs scikit-learn (extra `train`).

    python training/train_tagger.py --items ITEMS.jsonl --labels train.tsv --labels training/labels.tsv

Items are lines of JSON with id, title, summary, and link or source. Labels are tab-separated: id, on topic (1 or 0),
skills, optional skills, roles, four digits of relevance (one a specialization of AI Engineer). Thresholds and
calibration come from five-fold cross-validation on the first file of labels; no other file is looked at. What it says
of each skill is printed as a table for training/README.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.progress import track
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold
from sklearn.svm import LinearSVC

from briefings.adapters import tagger_model
from briefings.adapters.catalogue_files import load
from briefings.adapters.item_lines import text_of
from briefings.domain.features import features
from briefings.domain.feeds import source_of
from briefings.domain.tag_evaluation import Label, Prediction, Row, ndcg, per_skill
from briefings.domain.tagging import ENOUGH_EXAMPLES, ON_TOPIC, Tagger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scipy.sparse import csr_matrix

ROOT = Path(__file__).parents[1]
SPECIALIZATIONS = (
    "mlops-ai-infrastructure",
    "llm-application-development",
    "ai-safety-alignment",
    "multimodal-ai-autonomous-agents",
)
FOLDS = 5
#: A feature is learnt from when at least so many items have it.
FEWEST_ITEMS = 4
#: Strengths of regularisation, chosen by cross-validation.
SKILL_C, TOPIC_C, RELEVANCE_ALPHA = 1.0, 4.0, 4.0
#: An item of the first file of labels counts so many times as one of the others, for what is on topic.
FIRST_FILE_COUNTS = 2
#: Usefulness is the gain of a relevance r, 2^r - 1, as a share of this; what is more useful counts as 1.
MOST_GAIN = 4
#: So many of the on-topic items are to be kept, and the precision that skills must have.
KEPT, PRECISION = 0.95, 0.82


@dataclass(frozen=True)
class Labelled:
    """An item's features and what a reader said of it."""

    features: dict[str, float]
    on_topic: bool
    named: bool  #: whether the title names a skill without doubt, which the tagger believes whatever the model says
    skills: frozenset[str]
    optional: frozenset[str]
    relevance: tuple[int, ...]


def main() -> None:
    """Read, train, choose thresholds, write."""
    arguments = _arguments()
    catalogue = load(ROOT / "briefings" / "catalogue")
    tagger = Tagger(catalogue)
    items = _items(arguments.items)
    files = [_labelled(file, items, tagger) for file in arguments.labels]
    rows, measured = [row for file in files for row in file], len(files[0])
    data = _Data(rows, measured)
    about = {"trained_on": len(rows), "labels": [Path(file).name for file in arguments.labels]}
    found, skills = _thresholds(data, measured)
    about |= found
    weights, offsets, outputs = data.fit(np.arange(len(rows)))
    about |= {"outputs": outputs, "offsets": [float(f"{offset:.6g}") for offset in offsets]}
    about["examples"] = {skill: count for skill, count in sorted(data.examples.items()) if count >= ENOUGH_EXAMPLES}
    names, weights = _with_other_names(data.names, weights, items)
    tagger_model.save(Path(arguments.out), about, names, weights)
    sys.stdout.write("\n".join(_table(skills)) + "\n\n")
    sys.stdout.write(
        f"{arguments.out}: {Path(arguments.out).stat().st_size:,} bytes, {json.dumps(about['thresholds'])}, "
        f"{json.dumps(about['cross_validation'])}\n"
    )


class _Data:
    """The matrix of features, and the labels of its rows."""

    def __init__(self, rows: list[Labelled], first: int) -> None:
        found = DictVectorizer(dtype=np.float32)
        matrix = found.fit_transform([row.features for row in rows])
        frequency = np.asarray((matrix > 0).sum(axis=0)).ravel()
        kept = frequency >= FEWEST_ITEMS
        rarity = np.log((1 + len(rows)) / (1 + frequency[kept])) + 1
        self.rarity = rarity / 6
        self.names = [name for name, keep in zip(found.feature_names_, kept, strict=True) if keep]
        self.matrix: csr_matrix = matrix[:, kept].multiply(self.rarity).tocsr()
        self.rows, self.first = rows, first
        self.examples = Counter(skill for row in rows for skill in row.skills)
        self.skills = sorted(skill for skill, count in self.examples.items() if count >= ENOUGH_EXAMPLES)

    def fit(self, used: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], list[float], list[str]]:
        """Weights (features x outputs) for unscaled features, offsets, and the names of the outputs."""
        on_topic = np.array([self.rows[row].on_topic for row in used])
        trust = np.array([FIRST_FILE_COUNTS if row < self.first else 1 for row in used])
        topic = LogisticRegression(C=TOPIC_C, class_weight="balanced", max_iter=300)
        machines = [topic.fit(self.matrix[used], on_topic, sample_weight=trust)]
        for skill in track(self.skills, "Skills", transient=True):
            sure = used[[skill not in self.rows[row].optional for row in used]]
            about_it = np.array([skill in self.rows[row].skills for row in sure])
            machines.append(LinearSVC(C=SKILL_C, random_state=0).fit(self.matrix[sure], about_it))
        columns = [(machine.coef_[0], float(machine.intercept_[0])) for machine in machines]
        for place in range(len(SPECIALIZATIONS)):
            wanted = np.array([(2 ** self.rows[row].relevance[place] - 1) / MOST_GAIN for row in used])
            ridge = Ridge(alpha=RELEVANCE_ALPHA).fit(self.matrix[used], wanted)
            columns.append((ridge.coef_, float(ridge.intercept_)))
        names = [
            ON_TOPIC,
            *(f"skill:{skill}" for skill in self.skills),
            *(f"specialization:{s}" for s in SPECIALIZATIONS),
        ]
        weights = np.stack([column for column, _ in columns], axis=1) * self.rarity[:, None]
        return weights.astype(np.float32), [offset for _, offset in columns], names

    def margins(self, used: np.ndarray[Any, Any], left_out: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Margins of the rows left out, by what the used ones teach."""
        weights, offsets, _ = self.fit(used)
        return np.asarray((self.matrix[left_out].multiply(1 / self.rarity)).tocsr() @ weights + np.array(offsets))


def _thresholds(data: _Data, measured: int) -> tuple[dict[str, Any], list[Row]]:
    """Calibration and thresholds from margins of items that were not trained on, of the first file of labels.

    And how good each skill is at that threshold.
    """
    margins = np.zeros((len(data.rows), 1 + len(data.skills) + len(SPECIALIZATIONS)))
    for used, left_out in KFold(FOLDS, shuffle=True, random_state=1).split(data.matrix):
        margins[left_out] = data.margins(used, left_out)
    first = range(measured)
    on_topic = np.array([data.rows[row].on_topic for row in first])
    topic = margins[:measured, 0]
    told = [
        (margins[row, 1 + place], skill in data.rows[row].skills)
        for row in first
        for place, skill in enumerate(data.skills)
        if skill not in data.rows[row].optional
    ]
    values, right = np.array([value for value, _ in told]), np.array([is_right for _, is_right in told])
    total = sum(len(data.rows[row].skills - data.rows[row].optional) for row in first)
    margin, precision, recall = _best_margin(values, right, total)
    calibration = {ON_TOPIC: _calibrated(topic, on_topic), "skill": _calibrated(values, right)}
    believed = np.where([data.rows[row].named for row in first], np.inf, topic)
    cut = float(np.quantile(believed[on_topic], 1 - KEPT))
    about = {
        "calibration": calibration,
        "thresholds": {
            ON_TOPIC: _probability(calibration[ON_TOPIC], cut),
            "skill": _probability(calibration["skill"], margin),
        },
        "cross_validation": {
            "precision": round(precision, 3),
            "recall": round(recall, 3),
            "f1": round(2 * precision * recall / (precision + recall), 3),
            "kept": round(float((believed[on_topic] >= cut).mean()), 3),
            "let_through": round(float((believed[~on_topic] >= cut).mean()), 3),
            "ndcg": round(fmean(_ranking(data, margins, measured, place) for place in range(len(SPECIALIZATIONS))), 3),
        },
    }
    return about, per_skill([_pair(data, row, margins[row] >= margin) for row in first], ENOUGH_EXAMPLES)


def _ranking(data: _Data, margins: np.ndarray[Any, Any], measured: int, place: int) -> float:
    """nDCG@10 of a specialization."""
    relevance = [row.relevance[place] for row in data.rows[:measured]]
    return ndcg(margins[:measured, 1 + len(data.skills) + place].tolist(), relevance, Random(1))  # noqa: S311 - no secret


def _pair(data: _Data, row: int, is_said: np.ndarray[Any, Any]) -> tuple[Label, Prediction]:
    """What the reader and the model said of the skills of an item; `is_said` is a truth an output."""
    said = {skill: 1.0 for place, skill in enumerate(data.skills) if is_said[1 + place]}
    label = Label(str(row), data.rows[row].on_topic, data.rows[row].skills, data.rows[row].optional, {})
    return label, Prediction(str(row), label.on_topic, said, {})


def _table(rows: list[Row]) -> Iterator[str]:
    """The figures of each skill, in Markdown."""
    yield from ("| skill | labels | precision | recall | F1 |", "| --- | --- | --- | --- | --- |")
    for row in rows:
        yield f"| {row.name} | {row.labels} | {row.precision:.2f} | {row.recall:.2f} | {row.f1:.2f} |"


def _with_other_names(
    names: list[str], weights: np.ndarray[Any, Any], items: dict[str, dict[str, str]]
) -> tuple[list[str], np.ndarray[Any, Any]]:
    """The features and their weights, and the sources once more by the names that a collection has for its feeds.

    So an item without a link is known by `feed:x`, when all of that feed come from one host.
    """
    hosts = defaultdict(set)
    for item in items.values():
        hosts[source_of("", item.get("source") or "")].add(text_of(item).source)
    places = {name: place for place, name in enumerate(names)}
    other = {f"o:{name}": places.get(f"o:{host}") for name, (host, *more) in sorted(hosts.items()) if not more}
    added = {name: place for name, place in other.items() if place is not None and name not in places}
    return [*names, *added], np.concatenate([weights, weights[list(added.values())]])


def _best_margin(values: np.ndarray[Any, Any], right: np.ndarray[Any, Any], total: int) -> tuple[float, float, float]:
    """The margin of the best F1 among those precise enough: (margin, precision, recall)."""
    best = (0.0, 0.0, 0.0, 0.0)
    for margin in np.arange(-1.0, 0.2, 0.02):
        said = values >= margin
        precision, recall = float(right[said].mean()) if said.any() else 0.0, float(right[said].sum()) / total
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        if precision >= PRECISION and f1 > best[0]:
            best = (f1, float(margin), precision, recall)
    return best[1], best[2], best[3]


def _calibrated(margins: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> list[float]:
    """Slope and offset of a logistic curve through margins (Platt)."""
    curve = LogisticRegression(C=1e6).fit(margins.reshape(-1, 1), right)
    return [float(f"{curve.coef_[0][0]:.6g}"), float(f"{curve.intercept_[0]:.6g}")]


def _probability(calibration: list[float], margin: float) -> float:
    return float(f"{1 / (1 + np.exp(-(calibration[0] * margin + calibration[1]))):.6g}")


def _items(files: list[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for file in files:
        for line in Path(file).read_text("utf-8").splitlines():
            item = json.loads(line)
            found.setdefault(item["id"], item)
    return found


def _labelled(file: str, items: dict[str, dict[str, str]], tagger: Tagger) -> list[Labelled]:
    rows = [(line.split("\t") + [""] * 6)[:6] for line in Path(file).read_text("utf-8").splitlines() if line]
    return [_row(row, items[row[0]], tagger) for row in track(rows, Path(file).name, transient=True)]


def _row(row: list[str], item: dict[str, str], tagger: Tagger) -> Labelled:
    text = text_of(item)
    in_title, in_summary = tagger.hits(text.title), tagger.hits(text.summary)
    seen = features(text.title, text.summary, text.source, in_title, in_summary)
    skills, optional = (frozenset(filter(None, names.split(","))) for names in row[2:4])
    named = any(not hit.ambiguous for hit in in_title)
    return Labelled(seen, row[1] == "1", named, skills, optional, tuple(int(digit) for digit in row[5] or "0000"))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the tagger.")
    parser.add_argument("--items", action="append", required=True)
    parser.add_argument("--labels", action="append", required=True)
    parser.add_argument("--out", default=str(ROOT / "briefings" / "catalogue" / tagger_model.FILE))
    return parser.parse_args()


if __name__ == "__main__":
    main()
