from __future__ import annotations

import itertools
import sys
import textwrap

import pytest

from bridge.channels import Channels, load_channel
from bridge.channels.base import LAST_STEP, Channel
from bridge.channels.demo import DemoChannel
from bridge.clock import Deadline
from bridge.errors import StartError
from bridge.settings import BUILT_IN, Settings
from bridge.vault import Vault, new_key

ONE_CHANNEL = """
    from bridge.channels import demo

    class LittleShop(demo.DemoChannel):
        name = "LITTLE"
"""
TWO_CHANNELS = (
    ONE_CHANNEL
    + """
    class OtherShop(demo.DemoChannel):
        name = "OTHER"
"""
)

_numbers = itertools.count(1)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module that can be imported, and return its name."""

    def write(source: str) -> str:
        name = f"channel_module_{next(_numbers)}"
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))
        return name

    monkeypatch.syspath_prepend(tmp_path)
    yield write
    for name in [name for name in sys.modules if name.startswith("channel_module_")]:
        del sys.modules[name]


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_channels_load_by_name(name):
    """Every built-in channel loads by its name and has a valid name and wizard."""
    channel = load_channel(name)

    assert issubclass(channel, Channel)
    assert channel.steps[-1].name == LAST_STEP
    assert channel.name == channel.name.upper().replace(" ", "")


@pytest.mark.parametrize("name", ["demo", "bridge.channels.demo", "bridge.channels.demo:DemoChannel"])
def test_a_channel_has_a_name_or_a_module_path(name):
    """A built-in name, a module and a class in a module load the same channel."""
    assert DemoChannel is load_channel(name)


def test_an_external_channel_has_a_module_path(module):
    """The only channel class of any importable module is loaded."""
    assert load_channel(module(ONE_CHANNEL)).name == "LITTLE"


def test_one_of_several_channels_is_named_after_a_colon(module):
    """If a module has several channels, the class name selects one."""
    name = module(TWO_CHANNELS)

    assert load_channel(f"{name}:OtherShop").name == "OTHER"


def test_several_channels_without_a_class_name_are_an_error(module):
    """The error lists the channels."""
    name = module(TWO_CHANNELS)

    with pytest.raises(StartError, match=f"BRIDGE_CHANNEL is {name}: .* found LittleShop, OtherShop"):
        load_channel(name)


def test_the_error_for_an_unknown_name_has_the_choices():
    """A name that is neither built in nor a module is a StartError."""
    with pytest.raises(StartError, match=r"BRIDGE_CHANNEL is dmeo: neither built in \(demo.*\) nor importable"):
        load_channel("dmeo")


def test_the_error_for_an_unknown_class_has_the_known_ones(module):
    """A class that the module does not have is a StartError with the names of its channels."""
    with pytest.raises(StartError, match="one channel class was expected there, found LittleShop"):
        load_channel(f"{module(ONE_CHANNEL)}:BigShop")


@pytest.mark.parametrize("source", ["", "from bridge.channels.base import Channel"])
def test_a_module_without_a_channel_is_refused(module, source):
    """A module that only imports the base class has no channel."""
    with pytest.raises(StartError, match="one channel class was expected there, found none"):
        load_channel(module(source))


def test_an_abstract_channel_does_not_count(module):
    """A class with missing methods is not a channel."""
    source = """
        from bridge.channels.base import Channel

        class HalfShop(Channel):
            pass
    """

    with pytest.raises(StartError, match="found none"):
        load_channel(module(source))


def test_a_missing_dependency_is_named(module):
    """If an import of a channel fails, the error names it."""
    with pytest.raises(StartError, match="no_such_library"):
        load_channel(module("import no_such_library"))


@pytest.mark.parametrize("steps", ["()", "demo.DemoChannel.steps[:1]"])
def test_a_wizard_that_does_not_end_is_refused(module, steps):
    """The last step of every wizard must be UserConfig, or it would never end for Linnworks."""
    name = module(f"{ONE_CHANNEL}        steps = {steps}\n")

    with pytest.raises(StartError, match=f"last wizard step must be named {LAST_STEP}"):
        load_channel(name)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_question_without_an_answer_has_its_default(name):
    """A channel is opened with the default of each question that its integration was never asked."""
    channels = Channels(Settings(channel=name), Vault(new_key()))
    steps = [step for step in channels.channel_class.steps if not step.credentials]
    defaults = {item.config_item_id: item.selected_value for step in steps for item in step.items}
    opened = [
        channels.open({other: "an answer" for other in defaults if other != missing}, Deadline(8)).config[missing]
        for missing in defaults
    ]

    assert list(defaults.values()) == opened


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_must_be_specified_has_no_default(name):
    """Credentials that are missing stay missing, so that no shop is called with empty ones."""
    channels = Channels(Settings(channel=name), Vault(new_key()))
    needed = {item.config_item_id for item in channels.credentials_step.items if item.must_be_specified}

    assert needed
    assert not needed & channels.open({}, Deadline(8)).config.keys()
