"""A deployment's clusters without an EMR: they remember what was done to them."""

from __future__ import annotations

from dataclasses import dataclass, field

from dataworks_assets.engines.emr.calls import ClusterView
from dataworks_assets.engines.emr.clusters import OwnCluster, Swept
from dataworks_assets.engines.emr.requests import TAG_FAMILY, TAG_KIND, Place
from dataworks_assets_tests.engines.emr.world import emr_config
from spark.errors import ConfigurationError
from spark.store import ObjectStore


@dataclass
class Pretended:
    """Clusters that remember what was done to them."""

    found: list[OwnCluster]
    store: ObjectStore = field(default_factory=ObjectStore.in_memory)
    control_uri: str = "s3://output/_dataworks"
    swept: list[Swept] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def living(self):
        return self.found

    def of_kinds(self, kinds):
        return [each for each in self.found if not kinds or each.kind in kinds]

    def find(self, name):
        return next(each for each in self.found if each.view.id == name)

    def stop(self, chosen):
        self.done += [f"stopped {each.view.id}" for each in chosen]

    def start(self, name, *, size, keep_until):
        self.done.append(f"started {name} {size}")
        return "j-NEW"

    @property
    def place(self):
        return Place("emulated", emr_config(), "s3://logs/emr", "1g", {})

    def size(self, name):
        if name not in self.place.config.sizes:
            raise ConfigurationError(f"there is no size {name!r}", remedy="There are small")
        return self.place.config.sizes[name]

    def refuse_taken(self, name):
        if name in {each.view.name for each in self.found}:
            raise ConfigurationError(f"{name} is taken")

    def sweep(self, is_live, *, dry_run=False, only=None):
        chosen = [each for each in self.swept if only is None or each.what in only]
        if not dry_run:
            self.done += [f"swept {each.what}" for each in chosen]
        return chosen


def own(cluster_id, family="", kind="full"):
    tags = {TAG_KIND: kind} | ({TAG_FAMILY: family} if family else {})
    return OwnCluster(ClusterView(cluster_id, "n", "RUNNING", tags=tags), 1.0, 2.0, (family,) if family else ())
