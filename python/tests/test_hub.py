"""Tests that models come from the hub, with their progress. The hub is a fake one on this machine."""

import sys

import pytest
import streamdiffusion_cpp as sd


@pytest.fixture
def hub(project, small_model_path, tmp_path, monkeypatch):
    """A hub that has the model "someone/tiny"."""
    monkeypatch.syspath_prepend(str(project / "tests" / "cli"))
    from hub_server import Hub, from_folder

    with Hub({"someone/tiny": from_folder(small_model_path)}) as hub:
        for name, value in {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0", "NO_PROXY": "*"}.items():
            monkeypatch.setenv(name, value)
        yield hub
    sys.modules.pop("hub_server", None)


def load(**options):
    return sd.Model.load("someone/tiny", device="cpu", vae="full", threads=1, **options)


def test_the_progress_of_a_download_is_told(hub):
    reports = []
    model = load(on_download=reports.append)
    assert model.info.name
    assert reports
    assert {report.name for report in reports} == {"someone/tiny"}
    assert [report.done for report in reports] == sorted(report.done for report in reports)
    assert reports[-1].done == reports[-1].total > 0
    reports.clear()
    load(on_download=reports.append)
    assert not reports  # all is in the cache


def test_an_exception_in_the_report_stops_the_download_and_the_next_call_goes_on(hub):
    def stop(report):
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        load(on_download=stop)
    assert load().info.device == "cpu"


def test_a_hub_that_has_gone_is_a_warning_if_the_cache_has_the_model(hub, monkeypatch):
    load()
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.warns(sd.ModelWarning, match="from the cache"):
        load()
    messages = []
    load(on_warning=messages.append)
    assert any("from the cache" in message for message in messages)


def test_a_model_that_the_hub_lacks_is_named(hub):
    with pytest.raises(sd.HubError, match="someone/else"):
        sd.Model.load("someone/else")
    with pytest.raises(TypeError, match="on_download is 5"):
        load(on_download=5)
