"""Key frames: from one, everything at or after its time can be judged again."""

from __future__ import annotations

from rules.engine import Engine
from rules.plan import always
from rules.rule import RuleVersion
from tests.rules.series import INTERVAL, REEFER, START, rule, temperature

DAY = 24 * 60 * 60_000
MINUTE = 60_000


def test_a_frame_is_not_taken_from_a_rule_that_was_retired_beyond_it() -> None:
    """The rule ends a minute after midnight; what comes for midnight is judged again."""
    end = START + DAY + MINUTE
    early, later = rule(above=8.0), rule(above=7.0)
    versions = [
        RuleVersion(early, early.version(), 0, end),
        RuleVersion(later, later.version(), end),
    ]
    engine = Engine(versions, always(INTERVAL))
    warm = temperature(0, 9.0)
    engine.fold([warm])
    engine.rejudge(REEFER, None, [warm])
    after = temperature(DAY / MINUTE + 1, 9.0)
    frames = engine.fold([after]).frames
    midnight = temperature(DAY / MINUTE, 4.0)
    for frame in frames:
        if frame.at <= midnight.when:
            engine.rejudge(REEFER, frame.state, [midnight, after])
    judged = engine.rejudge(REEFER, None, [warm, midnight, after])
    assert [one.begin for one in judged.episodes] == [START, end]
