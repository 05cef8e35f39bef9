"""Where a deployment's jobs run. What is special to EMR is in `config.emr`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from dataworks_assets.config.emr import EmrConfig
from dataworks_assets.config.model import Model
from dataworks_assets.config.services import Memory, no_secrets

_MOST_SPARK_CHARACTERS = 8_192
"""Of Spark's settings in a step of EMR, which takes 10,240 with its own and the job's arguments."""


class EngineConfig(Model):
    """Where jobs run."""

    kind: Literal["local", "emr"] = "local"
    """`local`: started from this machine, for any Spark master; `emr`: on clusters of EMR."""
    mode: Literal["session", "submit"] = "submit"
    """Of `local`. `session`: in the run's own process; `submit`: by spark-submit."""
    master: str = "local[*]"
    """Of `local`: master URL: `local[2]`, `spark://host:7077`, `yarn`."""
    memory: Memory = "1g"
    """Memory of the driver (in local mode: of everything in the JVM)."""
    timeout_seconds: int = Field(default=4 * 3600, ge=1)
    """An application that takes longer, its cluster's start included, is ended."""
    spark_conf: Annotated[dict[str, str], AfterValidator(no_secrets)] = Field(default_factory=dict)
    """Further settings of Spark. Secrets are refused here."""
    emr: EmrConfig | None = None
    """Of `emr`: its clusters."""

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if (self.kind == "emr") != (self.emr is not None):
            raise ValueError("engine.emr says how jobs run on EMR: it belongs to `kind: emr`, and to no other kind")
        for name, size in (self.emr.sizes if self.emr is not None else {}).items():
            characters = sum(len(f"--conf{key}={value}") for key, value in {**self.spark_conf, **size.spark_conf}.items())
            if characters > _MOST_SPARK_CHARACTERS:
                raise ValueError(
                    f"spark_conf and emr.sizes.{name}.spark_conf: {characters:,} characters of settings, but a step of EMR"
                    f" takes {_MOST_SPARK_CHARACTERS:,}: name fewer"
                )
        return self
