"""`[goods]`: profiles of goods beside those that come with Holdwatch."""

from __future__ import annotations

from pydantic import Field

from gateway.settings.values import FilePath, Section


class Goods(Section):
    """Your own profiles of goods, beside those that come with Holdwatch."""

    folder: FilePath | None = Field(
        default=None,
        description="Folder of the files, such as my-vaccines.toml; see the guide to goods.",
        json_schema_extra={"default text": "ours alone"},
    )
