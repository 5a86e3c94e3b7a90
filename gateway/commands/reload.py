"""What may be asked about the settings of a running gateway; a part of Commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.people.audit import who_of
from gateway.refusal import ControlError
from gateway.reload import ReloadError
from gateway.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.app import Gateway


class ReloadCommands:
    """The commands about the settings, by name."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.by_name = {"reload": self.reload}

    async def reload(self, request: Mapping[str, Any], _progress: object) -> dict[str, Any]:
        """Take up the settings file as it is now; `file`: the one that whoever asks means."""
        file = request.get("file")
        try:
            done = await self._gateway.reloading.reload(
                who_of(request), Path(file) if file else None
            )
        except SettingsError as error:
            raise ControlError(
                f"nothing was loaded: {error}", "Mend it, then: holdwatch reload"
            ) from error
        except ReloadError as error:
            raise ControlError(error.problem, error.cure) from error
        return {"changed": list(done.changed), "waits": list(done.waits)}
