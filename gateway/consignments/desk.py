"""The quality desk: reports, signatures and reviews of one gateway, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from gateway.consignments.reports import Place, Reports
from gateway.consignments.review import Review
from gateway.consignments.signing import Signing
from gateway.consignments.signing_in import SigningIn
from gateway.consignments.verdicts import Verdicts

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.reading import DeviceKey
    from gateway.app import Gateway
    from gateway.clock import Clock
    from gateway.consignments.book import Book
    from gateway.registry.cards import Card
    from gateway.registry.registry import Registry
    from gateway.state import State


class Desk:
    """Drafts and signed reports (`reports`), `signing`, and who looks again (`review`)."""

    def __init__(  # noqa: PLR0913 - it stands between all of these
        self,
        state: State,
        clock: Clock,
        *,
        book: Book,
        verdicts: Verdicts,
        registry: Registry,
        card: Callable[[DeviceKey], Card],
        head: Callable[[], int],
        place: Place,
    ) -> None:
        """See Reports for what each of them is."""
        self.clock = clock
        self.reports = Reports(
            state,
            book,
            verdicts=verdicts,
            registry=registry,
            card=card,
            head=head,
            place=place,
        )
        signing_in = SigningIn(state, clock.monotonic)
        self.signing = Signing(state, book, self.reports, signing_in, clock)
        self.review = Review(state, book, self.reports, verdicts, clock)
        self.signing.on_signed = self.review.heed


def desk_of(gateway: Gateway) -> Desk:
    """Put together the desk of a gateway; what is judged again is looked at from now on."""
    section, journal = gateway.settings.gateway, gateway.journal
    verdicts = Verdicts(
        gateway.state,
        gateway.monitor.past,
        gateway.registry.corrections,
        gateway.book,
        gateway.goods,
        gateway.known.intervals,
        lambda: journal.head,
        ZoneInfo(section.timezone),
    )
    desk = Desk(
        gateway.state,
        gateway.clock,
        book=gateway.book,
        verdicts=verdicts,
        registry=gateway.registry,
        card=gateway.known.card,
        head=lambda: journal.head,
        place=Place(section.box, section.timezone),
    )
    gateway.freight.monitor.on_judged_again = desk.review.heed
    return desk
