import zlib

import numpy as np
import pytest

from briefings.adapters import tagger_model
from briefings.errors import CatalogueError

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
