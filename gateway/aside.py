"""Calls that may hang, on a thread that nobody waits for when the gateway ends.

The threads of asyncio are few, and commits need them: a server that does not answer must not
hold them. And at the end of a program they are waited for.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


async def aside(call: Callable[[], Result]) -> Result:
    """Return what `call` returns, or raise what it raises, from a thread of its own.

    Cancelled, it leaves the thread to itself.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()

    def tell(result: Result | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]  # what the call returned

    def run() -> None:
        result, fault = None, None
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - it is raised where the call is waited for
            fault = error
        # Closed, the loop takes nothing: then nobody waits for this any more.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(tell, result, fault)

    threading.Thread(target=run, daemon=True, name="aside").start()
    return await done
