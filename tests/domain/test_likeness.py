from datetime import UTC, datetime, timedelta

import pytest

from briefings.domain.likeness import WINDOW, Scale, read

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NEWS = "Northwind halves KV cache memory on Blackwell"


def parts(
    one: str, other: str, *, later: timedelta = timedelta(), hosts=("a.example", "b.example"), summaries=("", "")
):
    first = read(1, one, summaries[0], f"https://{hosts[0]}/1", NOW)
    second = read(2, other, summaries[1], f"https://{hosts[1]}/2", NOW + later)
    found = Scale([first, second]).parts(1, 2)
    assert found == Scale([second, first]).parts(2, 1)
    return found


def total(*titles: str, **values) -> float:
    return sum(parts(*titles, **values).values())


def test_the_same_words_are_most_alike_and_others_not_at_all():
    assert parts(NEWS, NEWS)["words"] == pytest.approx(1.0)
    assert total(NEWS, "Regulators publish a draft for hospitals") == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Acme launches Foo", "Acme launching Foo"), ("Acme's batteries", "Acme battery"), ("Acme shipped", "Acme ships")],
)
def test_headlines_vary_the_ends_of_words(one, other):
    assert parts(one, other)["words"] == pytest.approx(1.0)


def test_one_rare_word_in_common_is_a_coincidence_and_two_are_not():
    assert parts("Northwind hires", "Northwind sues")["rarest title word"] == 0
    assert parts("Northwind hires Smith", "Northwind loses Smith")["rarest title word"] > 0


def test_a_rare_word_counts_more_than_a_common_one():
    def title_part(word: str) -> float:
        others = [read(n, "Common common talk", "", "", NOW) for n in range(3, 300)]
        pair = [read(n, f"{word} again: {word} x{n}", "", "", NOW) for n in (1, 2)]
        return Scale([*pair, *others]).parts(1, 2)["words"]

    assert title_part("Zanzibar") > title_part("Common")


@pytest.mark.parametrize(
    ("one", "other", "values", "why"),
    [
        (NEWS, NEWS, {"later": timedelta(days=1)}, "days apart"),
        (NEWS, NEWS, {"hosts": ("a.example", "www.a.example")}, "one outlet"),
        (NEWS, f"Why {NEWS}", {}, "a comment"),
        (NEWS, f"{NEWS} now available in Azure", {}, "availability"),
        ("Gemini 2.5 arrives", "Gemini 3 arrives", {}, "other version"),
        ("Gemini 2.5 arrives", "Gemini 2.5 sings", {}, "talk of one version"),
    ],
)
def test_what_speaks_against_one_story_is_named(one, other, values, why):
    found = parts(one, other, **values)
    assert found[why] < 0
    assert {name for name, part in found.items() if part < 0} == {why}


def test_a_digest_and_what_is_far_away_in_time_have_nothing_to_compare():
    assert parts(NEWS, f"{NEWS}: this week in AI") == {}
    assert parts(NEWS, NEWS, later=WINDOW) != {}
    assert parts(NEWS, NEWS, later=WINDOW + timedelta(seconds=1)) == {}


def test_what_a_forum_writes_under_every_post_is_not_read():
    posts = [f"submitted by /u/someone{n} [link] [comments]" for n in (1, 2)]
    assert parts("One thing", "Two others", summaries=posts)["words"] == 0


def test_an_address_that_cannot_be_read_is_no_outlet():
    assert "one outlet" not in parts(NEWS, NEWS, hosts=("[broken", "[broken"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("英伟达发布新一代人工智能芯片", "英伟达正式发布新一代人工智能芯片"),
        ("東京大学、新しい言語モデルを公開", "東京大学が新しい言語モデルを公開した"),
        ("엔비디아, 새로운 AI 칩 공개", "엔비디아가 새로운 AI 칩을 공개"),
        ("エヌビディアがAIチップを公開", "AIチップを公開したエヌビディア"),
    ],
)
def test_what_is_written_without_spaces_is_compared_too(one, other):
    assert parts(one, other)["words"] > 0.5
    assert total(one, "Regulators publish a draft") == 0


@pytest.mark.parametrize("word", ["एनवीडिया", "हिन्दी", "cafe\u0301s", "o\u0308sterreich", "சென்னை"])
def test_vowel_signs_and_accents_do_not_cut_words(word):
    assert read(1, word, "", "", NOW).headline == (word.casefold(),)


def test_common_words_speak_for_a_pair_that_shares_few_rare_ones():
    common = "shipping robots learn reading maps quickly"
    crowd = [read(n, "Other", f"{common} x{n}", f"https://h{n}.example/", NOW) for n in range(3, 103)]
    pair = [
        read(n, f"Zanzibar {side}{side}", common, f"https://p{n}.example/", NOW) for n, side in ((1, "a"), (2, "b"))
    ]
    scale = Scale([*pair, *crowd])
    assert list(scale.near([2], [1], scale.likeness(1, 2))) == [(2, 1)]


def test_no_pair_that_is_alike_enough_is_passed_over():
    titles = [f"{NEWS} {word}" for word in ("today", "again", "cards")] + [f"Acme sells socks {n}" for n in range(60)]
    hours = [timedelta(hours=40 * (n % 3)) for n in range(len(titles))]
    readings = [read(n, title, "", f"https://h{n}.example/", NOW + hours[n]) for n, title in enumerate(titles)]
    scale = Scale(readings)
    for least in (0.2, 0.5, 1.0, *(scale.likeness(*pair) for pair in ((0, 1), (0, 2), (1, 2)))):
        near = {frozenset(pair) for pair in scale.near(range(1, len(titles)), [0], least)}
        pairs = {frozenset((a, b)) for a in range(len(titles)) for b in range(a) if scale.likeness(a, b) >= least}
        rare = {pair for pair in pairs if min(pair) < 3}
        assert rare <= near
