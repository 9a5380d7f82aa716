"""A list that `outdial demo` cannot use is refused before anything is started."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from deploy.broker import Broker
from engine.errors import OutdialError


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.csv"], "nowhere.csv"),
        (["people.csv", "--map", "phone=nummer"], "nummer"),
        (["people.csv", "--map", "phone"], "--map"),
    ],
)
def test_a_wrong_list_is_refused_before_the_broker_starts(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OUTDIAL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(Broker, "up", lambda *_: pytest.fail("the broker was started"))
    Path("people.csv").write_text("id,number\nada,+12125550101\n")
    done = CliRunner().invoke(app, ["demo", *arguments])
    assert isinstance(done.exception, OutdialError)
    assert said in str(done.exception)
    assert not (tmp_path / "home" / "demo").exists()
