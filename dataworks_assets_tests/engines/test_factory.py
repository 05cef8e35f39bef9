"""Which engine a deployment gets."""

from __future__ import annotations

import pytest

from dataworks_assets.config.engine import EngineConfig
from dataworks_assets.config.loader import load_settings
from dataworks_assets.engines.factory import open_engine
from dataworks_assets.engines.session import SessionEngine
from dataworks_assets.engines.submit import SubmitEngine
from spark.errors import ConfigurationError


def deployment(**engine):
    return load_settings("local").deployment.model_copy(update={"engine": EngineConfig(**engine)})


def test_submit_is_the_default(tmp_path):
    engine = open_engine(deployment(master="local[2]", memory="2g"), home=tmp_path)
    assert isinstance(engine, SubmitEngine)
    assert (engine.master, engine.memory, engine.log_folder) == ("local[2]", "2g", tmp_path / "logs" / "applications")


def test_a_session_is_one_word_away(tmp_path):
    assert isinstance(open_engine(deployment(mode="session", master="local[2]"), home=tmp_path), SessionEngine)


def test_a_session_cannot_use_a_cluster(tmp_path):
    with pytest.raises(ConfigurationError, match="deployment local: engine mode `session` cannot run on spark://h:7077"):
        open_engine(deployment(mode="session", master="spark://h:7077"), home=tmp_path)
