from briefings.domain.faults import LONGEST_DELAY, MENU, MOST_FAULTS, REPLIES, Act, Dice, Verb, of_letter, of_turn

READERS = [f"reader-{number}@readers.example" for number in range(1000)]
ALL = [fault for reader in READERS for fault in of_letter(1, reader)]


def test_the_same_seed_brings_the_same_faults_and_another_seed_brings_others():
    assert [of_letter(1, reader) for reader in READERS] == [of_letter(1, reader) for reader in READERS]
    assert [of_letter(1, reader) for reader in READERS] != [of_letter(2, reader) for reader in READERS]


def test_dice_throw_the_same_in_every_python():
    dice = Dice(7, "storm")
    assert [round(dice.fraction(), 6) for _ in range(3)] == [0.346412, 0.052925, 0.162504]


def test_a_throw_lies_within_its_bounds():
    dice = Dice("bounds")
    assert all(2 <= dice.between(2, 3) < 3 for _ in range(1000))
    assert {dice.pick("abc") for _ in range(100)} == set("abc")


def test_every_letter_gets_through_after_a_few_faults():
    assert max(len(of_letter(1, reader)) for reader in READERS) == MOST_FAULTS
    assert 300 < sum(not of_letter(1, reader) for reader in READERS) < 500


def test_every_fault_of_the_menu_and_every_reply_happens():
    assert {(fault.verb, fault.act) for fault in ALL} == set(MENU)
    assert {fault.reply for fault in ALL if fault.act is Act.ANSWER} == set(REPLIES)


def test_only_an_answer_has_words_and_only_a_delay_has_a_length():
    assert all(bool(fault.reply) == (fault.act is Act.ANSWER) for fault in ALL)
    assert all((0 < fault.seconds <= LONGEST_DELAY) == (fault.act is Act.DELAY) for fault in ALL)


def test_connections_greetings_and_senders_meet_faults_now_and_then():
    for verb in (Verb.CONNECT, Verb.EHLO, Verb.MAIL):
        met = [fault for number in range(1000) if (fault := of_turn(1, verb, number))]
        assert 20 < len(met) < 150
        assert {fault.act for fault in met} == {Act.ANSWER, Act.DROP, Act.DELAY}
        assert {fault.verb for fault in met} == {verb}


def test_an_answer_is_counted_by_its_code_and_the_rest_by_what_it_is():
    kinds = {fault.kind for fault in ALL}
    assert {"421", "450", "451", "452", "550", "552", "554", "mute but taken", "trickle"} <= kinds
