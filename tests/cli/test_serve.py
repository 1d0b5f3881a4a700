"""What `greenlang serve` takes from its options, its files and its environment."""

import click
import pytest

from greenlang.cli.serve import _settings, serve
from greenlang.engine import read_machine
from greenlang.errors import InputError
from greenlang.service.sizing import fitting_workers


@pytest.fixture
def written(tmp_path):
    """Writes files of settings; gives their paths."""

    def made(*texts):
        paths = tuple(tmp_path / f"{number}.toml" for number in range(len(texts)))
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text)
        return paths

    return made


def test_a_later_file_adds_to_an_earlier_one_and_options_win(written):
    paths = written(
        'store = "a.db"\nport = 1\n[webhooks]\nattempts = 3\n',
        f'port = 2\n[webhooks]\nsecrets = ["whsec_{"A" * 32}"]\n',
    )
    settings = _settings(paths, {"store": "b.db"})
    assert (settings.store, settings.port, settings.webhooks.attempts) == ("b.db", 2, 3)
    assert settings.webhooks.secrets == (f"whsec_{'A' * 32}",)


def test_auto_is_as_many_workers_as_this_machine_has_room_for(written):
    for settings in (_settings(written('workers = "auto"\n'), {}), _settings((), {"workers": "auto"})):
        assert settings.processes == fitting_workers(read_machine())


@pytest.mark.parametrize("text", ["0", "many", "-1"])
def test_workers_are_counted_from_one(text):
    with pytest.raises(click.BadParameter, match=r"(?s).*(range|integer)"):
        serve.make_context("serve", ["--workers", text])


def test_a_file_names_a_count_or_auto(written):
    with pytest.raises(InputError, match=r"workers"):
        _settings(written('workers = "all"\n'), {})


def test_the_store_may_be_named_by_the_environment_where_secrets_are(monkeypatch):
    monkeypatch.setenv("GREENLANG_STORE", "postgresql://runtime:secret@db.example.org/greenlang")
    monkeypatch.setenv("GREENLANG_REDIS", "redis://:secret@cache.example.org/0")
    parsed = serve.make_context("serve", []).params
    assert parsed["store"].startswith("postgresql://")
    assert parsed["redis"].startswith("redis://")
    assert serve.make_context("serve", ["--store", "a.db"]).params["store"] == "a.db"
