"""The one list of all systems."""

from __future__ import annotations

from enum import StrEnum

from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.systems.adg.room import AdgRoom
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.kickstart.room import KickstartRoom
from dataworks_assets.systems.kickstart.scope import KickstartScope
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.rooms import Room


class System(StrEnum):
    """The systems, by name."""

    ADG = "adg"
    KICKSTART = "kickstart"


def rooms_of(platform: Platform) -> tuple[Room, ...]:
    """Returns the rooms of all systems that have a collection in the deployment."""
    rooms: list[Room] = [AdgRoom(platform, AdgScope(platform.settings, each)) for each in SnapshotType]
    rooms.append(KickstartRoom(platform, KickstartScope(platform.settings)))
    return tuple(room for room in rooms if room.scope.collections)
