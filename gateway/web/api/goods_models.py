"""What answers about profiles of goods hold. Lengths are ms."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gateway.web.api.models import Model
from rules.profile import Basis, Measures
from rules.rule import Severity


class Range(Model):
    """What a channel should be; null: open."""

    channel: str
    unit: str
    low: float | None
    high: float | None
    aim: float | None


class Goods(Model):
    """A profile: what goods of a kind stand."""

    name: str
    version: str = Field(description="Its name, and a digest of all that counts for judging.")
    title: str
    basis: Basis
    measures: Measures = Field(description="What the limits are limits of.")
    ranges: list[Range]


class GoodsList(Model):
    """Every profile, by name."""

    items: list[Goods]


class GoodsRule(Model):
    """A rule as people read it; one that is made of parts is told part by part."""

    name: str
    kind: str
    severity: Severity
    limit: str
    counts: str = Field(description="Which of several sensors counts; empty: it asks for none.")
    note: str


class Criteria(Model):
    """By what a verdict is proposed."""

    reject: list[str]
    accept: list[str]
    unknown: int = Field(description="How long nobody may know.")


class GoodsDetail(Goods):
    """All of a profile."""

    source: str = Field(description="Where the limits come from.")
    extends: str
    channels: list[str] = Field(description="What must be measured.")
    interval: int | None = Field(description="How often at least.")
    instructions: str
    rules: list[GoodsRule]
    criteria: Criteria
    energy: float | None = Field(description="For the mean kinetic temperature, kJ/mol.")
    keep: int = Field(description="How long all that a verdict rests on is kept.")
    settings: dict[str, Any] = Field(description="All that counts for judging, as in a file.")
