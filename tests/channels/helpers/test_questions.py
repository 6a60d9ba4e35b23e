"""What a seller is asked: names and choices."""

from __future__ import annotations

from bridge.channels.helpers.questions import category_paths, choices


def test_a_category_has_its_parents_names_before_its_own():
    """
    A parent that is unknown ends the path, and so does a circle.
    """
    names = {1: "Garden", 2: "Tools", 3: "Rakes", 4: "Lost", 5: "Round", 6: "About"}
    paths = category_paths(names, {1: None, 2: 1, 3: 2, 4: 99, 5: 6, 6: 5})

    assert ["Garden", "Garden > Tools", "Garden > Tools > Rakes", "Lost"] == [paths[key] for key in (1, 2, 3, 4)]
    assert {5: "About > Round", 6: "Round > About"} == {key: paths[key] for key in (5, 6)}


def test_choices_show_a_text_for_each_value():
    """
    The value is what the seller's answer has.
    """
    assert [("A", "First"), ("B", "Second")] == [(one.value, one.display) for one in choices(A="First", B="Second")]
