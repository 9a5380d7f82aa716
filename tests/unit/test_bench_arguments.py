import pytest

from bench.arguments import integers

DOC = """What it measures.

On two lines.
"""


def numbers(*arguments: str) -> list[int]:
    return integers(DOC, list(arguments), people=20, people_meanwhile=3)


def test_what_is_left_out_has_its_default() -> None:
    assert [numbers(), numbers("7"), numbers("7", "8")] == [[20, 3], [7, 3], [7, 8]]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["many"], "argument people: invalid number value: 'many'"),
        (["7", "0"], "argument people-meanwhile: 0 is not above 0"),
        (["1", "2", "3"], "unrecognized arguments: 3"),
    ],
)
def test_what_is_no_number_is_refused_in_a_sentence(given: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        numbers(*given)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_help_shows_the_docstring_as_it_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        numbers("--help")
    assert ended.value.code == 0
    assert DOC.strip() in capsys.readouterr().out
