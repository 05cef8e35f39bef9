"""A folder of configuration to write files into, and its loader."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.config.settings import Settings
from spark.errors import ConfigurationError

BARE = """\
name: bare
environment: development
store: {scheme: memory}
buckets: {input: input, manifests: manifests, output: output, logs: logs}
key_service: {url: "https://localhost:1"}
catalog: {uri: "thrift://localhost:1"}
exports: {first_day: 2026-11-01}
"""
"""The least a deployment says; it has no collections but those of the extra folder."""

Load = Callable[[str], Settings]
Refuse = Callable[[str], str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("deployments", "collections"):
        (tmp_path / name).mkdir()
    (tmp_path / "deployments" / "bare.yaml").write_text(BARE)
    return tmp_path


@pytest.fixture
def load(folder: Path) -> Load:
    """Loads the bare deployment with one file of collections."""

    def loaded(collections: str) -> Settings:
        (folder / "collections" / "mine.yaml").write_text(collections)
        return load_settings("bare", environment=Environment(config_folder=folder))

    return loaded


@pytest.fixture
def refuse(load: Load) -> Refuse:
    """Returns what is said when a file of collections is refused."""

    def text(collections: str) -> str:
        with pytest.raises(ConfigurationError) as refused:
            load(collections)
        return str(refused.value)

    return text
