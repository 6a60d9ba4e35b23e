"""What a seller is asked: choices in the wizard, settings and categories of listings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from bridge.protocol.schemas.config import ListValue
from bridge.protocol.schemas.listings import CustomerSetting, ExpectedType, SettingGroup

Key = TypeVar("Key")


def choices(**displays: str) -> tuple[ListValue, ...]:
    """Return the choices of a LIST from the text shown for each value."""
    return tuple(ListValue(display=display, value=value) for value, display in displays.items())


def listing_setting(name: str, friendly: str, description: str, *options: str) -> CustomerSetting:
    """Return a general setting of listings: one of the options, of which the first is the default, or else a text."""
    return CustomerSetting(
        group_name=SettingGroup.GENERAL,
        config_item_id=name,
        subtitle="General",
        friendly_name=friendly,
        description=description,
        expected_type=ExpectedType.LIST if options else ExpectedType.STRING,
        value_options=options,
        initial_values=options[:1],
        value_from_options_list=bool(options),
    )


def category_paths(names: Mapping[Key, str], parents: Mapping[Key, Key | None]) -> dict[Key, str]:
    """Return the names of categories behind those of their parents, of which an unknown one or a circle is the end."""

    def path(key: Key, above: tuple[Key, ...] = ()) -> str:
        parent = parents[key]
        if parent is None or parent not in names or parent in above:
            return names[key]
        return f"{path(parent, (*above, key))} > {names[key]}"

    return {key: path(key) for key in names}
