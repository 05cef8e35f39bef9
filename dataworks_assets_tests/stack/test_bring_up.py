"""What a deployment wants of services that not every machine has, and what is said where they are not there."""

import pytest

from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.stack import bring_up, prometheus
from dataworks_assets.stack.lifecycle import LOST
from spark.errors import StackError


@pytest.fixture
def local(tmp_path):
    return load_settings("local", environment=Environment(home=tmp_path))


@pytest.fixture
def aws(local):
    metrics = local.deployment.ledger.metrics.model_copy(update={"pushgateway": "http://push.example:9091"})
    ledger = local.deployment.ledger.model_copy(update={"metrics": metrics})
    return type(local)(local.deployment.model_copy(update={"ledger": ledger}), (), local.environment)


def test_what_is_installed_is_wanted_where_metrics_are_embedded(local, aws, monkeypatch):
    monkeypatch.setattr(prometheus.shutil, "which", lambda name, path: f"/usr/bin/{name}")
    assert bring_up.wanted_services(local.deployment) == ("pushgateway", "prometheus")
    assert bring_up.left_out(local.deployment) == ()
    assert bring_up.wanted_services(aws.deployment) == ()


def test_what_is_not_installed_is_said_with_what_it_is_for(local, aws, monkeypatch):
    monkeypatch.setattr(prometheus.shutil, "which", lambda name, path: None)
    assert bring_up.wanted_services(local.deployment) == ()
    assert bring_up.left_out(local.deployment)[0] == (
        "Left out: metrics of runs, for prometheus-pushgateway is not installed (apt-get install prometheus-pushgateway)"
    )
    assert bring_up.left_out(aws.deployment) == ()


def test_what_the_emulated_apis_lost_is_a_warning_and_progress_is_none(local, monkeypatch, caplog):
    lost = f"{LOST}; made anew: table rows"

    def up(*_, say, **__):
        say("S3 is up")
        say(lost)
        raise StackError("enough")

    monkeypatch.setattr(bring_up, "up", up)
    with caplog.at_level("INFO"), pytest.raises(StackError):
        bring_up.opened(local.deployment, local.environment)
    assert [(each.levelname, each.message) for each in caplog.records] == [("INFO", "S3 is up"), ("WARNING", lost)]
