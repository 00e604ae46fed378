import json
import zlib
from pathlib import Path

import numpy as np
import pytest

from briefings.adapters import tagger_model
from briefings.errors import CatalogueError

BUNDLED = Path(__file__).parents[2] / "briefings" / "catalogue"
ABOUT = {
    "outputs": ["on-topic", "skill:vllm", "specialization:serving"],
    "offsets": [0.0, -1.0, 0.1],
    "calibration": {"on-topic": [1.0, 0.0], "skill": [2.0, 0.5]},
    "thresholds": {"on-topic": 0.5, "skill": 0.4},
    "examples": {"vllm": 20},
}
NAMES = ["t:vllm", "s:serves", "c:vllm", "t:nothing", "s:vllm"]
WEIGHTS = np.array(
    [[1.0, 2.0, 0.4], [0.5, 1.0, 0.2], [0.1, 3.0, 0.0], [0.0, 0.0, 0.0], [0.0, -0.5, 0.1]], dtype=np.float32
)


@pytest.fixture
def folder(tmp_path):
    tagger_model.save(tmp_path / tagger_model.FILE, ABOUT, NAMES, WEIGHTS)
    return tmp_path


def test_what_was_saved_judges_as_it_did(folder):
    model = tagger_model.load(folder)
    judged = model.judge({"t:vllm": 1.0, "s:serves": 0.5, "never-seen": 9.0})
    assert judged.on_topic == pytest.approx(1 / (1 + np.exp(-1.25)), abs=0.01)
    assert judged.skills["vllm"] == pytest.approx(1 / (1 + np.exp(-(2 * 1.5 + 0.5))), abs=0.01)
    assert judged.specializations["serving"] == pytest.approx(0.6, abs=0.01)


def test_an_item_without_a_known_feature_is_judged_by_the_offsets(folder):
    judged = tagger_model.load(folder).judge({"never-seen": 1.0})
    assert judged.on_topic == pytest.approx(0.5)
    assert judged.specializations["serving"] == pytest.approx(0.1, abs=0.01)


def test_the_words_that_speak_most_come_first_and_pieces_are_no_words(folder):
    model = tagger_model.load(folder)
    assert model.because({"t:vllm": 1.0, "s:serves": 1.0, "c:vllm": 5.0}, "vllm", 2) == ("vllm", "serves")


def test_a_word_of_title_and_summary_speaks_with_both(folder):
    assert tagger_model.load(folder).because({"t:vllm": 1.0, "s:vllm": 1.0}, "vllm", 2) == ("vllm",)


def test_a_feature_without_weight_is_not_kept(folder):
    assert "t:nothing" not in tagger_model.load(folder).rows


def test_the_same_model_has_the_same_version_and_another_one_has_another(folder, tmp_path):
    before = tagger_model.load(folder).version
    tagger_model.save(tmp_path / tagger_model.FILE, ABOUT, NAMES, WEIGHTS)
    assert tagger_model.load(tmp_path).version == before
    tagger_model.save(tmp_path / tagger_model.FILE, ABOUT, NAMES, WEIGHTS * np.array([1, -1, 1], dtype=np.float32))
    assert tagger_model.load(tmp_path).version != before


def test_a_catalogue_may_have_no_model(tmp_path):
    assert tagger_model.load(tmp_path) is None


def test_a_model_is_unpacked_to_the_limit_and_no_further(folder, monkeypatch):
    size = len(zlib.decompress((folder / tagger_model.FILE).read_bytes()))
    monkeypatch.setattr(tagger_model, "MOST_BYTES", size)
    assert tagger_model.load(folder)
    monkeypatch.setattr(tagger_model, "MOST_BYTES", size - 1)
    with pytest.raises(CatalogueError, match="make it again"):
        tagger_model.load(folder)


@pytest.mark.parametrize(
    "content", [b"", b"no zlib", zlib.compress(b"{}"), zlib.compress(b"[]\nx\0y"), zlib.compress(b"x" * 99)]
)
def test_a_broken_model_is_named_with_what_to_do(tmp_path, content):
    (tmp_path / tagger_model.FILE).write_bytes(content)
    with pytest.raises(CatalogueError, match=r"make it again with training/train_tagger\.py, or delete it"):
        tagger_model.load(tmp_path)


def rewritten(folder, change=None, weights: bytes | None = None, head: bytes | None = None) -> None:
    """The model of the folder with something else in it, sound as zlib."""
    file = folder / tagger_model.FILE
    old, _, rest = zlib.decompress(file.read_bytes()).partition(b"\n")
    about = json.loads(old) | (change or {})
    names, _, kept = rest.partition(b"\0")
    body = (head or json.dumps(about).encode()) + b"\n" + names + b"\0" + (kept if weights is None else weights)
    file.write_bytes(zlib.compress(body))


def refused(folder) -> bool:
    with pytest.raises(CatalogueError, match=r"make it again with training/train_tagger\.py, or delete it"):
        tagger_model.load(folder)
    return True


def test_a_model_rewritten_as_it_was_is_read(folder):
    rewritten(folder)
    assert tagger_model.load(folder).outputs == tuple(ABOUT["outputs"])


@pytest.mark.parametrize(
    "change",
    [
        {"scales": [1.0, 1.0]},
        {"offsets": [0.0] * 4},
        {"scales": [1.0, float("nan"), 1.0]},
        {"scales": [1.0, "1", 1.0]},
        {"scales": [1.0, [1.0], 1.0]},
        {"offsets": [0.0, float("inf"), 0.0]},
        {"offsets": [0.0, 1e39, 0.0]},
        {"offsets": [0.0, 10**400, 0.0]},
        {"outputs": ["skill:a", "skill:vllm", "specialization:serving"]},
        {"outputs": ["on-topic", ["skill:vllm"], "specialization:serving"]},
        {"outputs": 3},
        {"thresholds": {"on-topic": 0.5}},
        {"thresholds": {"on-topic": 0.5, "skill": "0.4"}},
        {"thresholds": {"on-topic": 0.5, "skill": 0.4, "other": "x"}},
        {"thresholds": [0.5, 0.4]},
        {"thresholds": None},
        {"calibration": {"on-topic": [1.0, 0.0]}},
        {"calibration": {"on-topic": [1.0, 0.0], "skill": [2.0]}},
        {"calibration": {"on-topic": [1.0, 0.0], "skill": [2.0, None]}},
        {"calibration": {"on-topic": [1.0, 0.0], "skill": [2.0, float("nan")]}},
        {"examples": {"vllm": "many"}},
        {"examples": None},
    ],
    ids=str,
)
def test_a_model_that_would_fail_while_tagging_is_refused(folder, change):
    rewritten(folder, change)
    assert refused(folder)


def test_weights_of_another_number_are_refused(folder):
    rewritten(folder, weights=b"\1" * 11)
    assert refused(folder)


@pytest.mark.parametrize("head", [b"[" * 100_000, b"9" * 5000, b"{}", b"null"])
def test_a_head_that_exhausts_the_reader_or_says_nothing_is_refused(folder, head):
    rewritten(folder, head=head)
    assert refused(folder)


def test_a_model_that_cannot_be_opened_is_refused(tmp_path):
    (tmp_path / tagger_model.FILE).mkdir()
    assert refused(tmp_path)


def test_the_bundled_model_knows_sources_as_the_product_meets_them_and_names_of_feeds_as_their_hosts():
    model = tagger_model.load(BUNDLED)
    sources = {name[2:]: tuple(model.weights[row]) for name, row in model.rows.items() if name.startswith("o:")}
    hosts = {name: weights for name, weights in sources.items() if not name.startswith("feed:")}
    assert {"techcrunch.com", "deeplearning.ai", "anthropic.com"} <= hosts.keys()
    assert model.knows("feed:feed_the_batch")
    assert sources["feed:feed_the_batch"] == hosts["deeplearning.ai"]
    assert set(sources.values()) == set(hosts.values())
