"""The channel that this installation serves, and how it is opened for a connection."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping

from bridge.channels.base import LAST_STEP, Channel, Step
from bridge.clock import Deadline
from bridge.errors import CredentialsRefused, StartError
from bridge.settings import BUILT_IN, Settings
from bridge.store.connections import Connection
from bridge.vault import Vault


class Channels:
    """Opens the installation's channel for its connections."""

    def __init__(self, settings: Settings, vault: Vault) -> None:
        self.settings = settings
        self.vault = vault
        self.channel_class = load_channel(settings.channel)
        # a question that must be answered and has no default is left out
        self.defaults = {
            item.config_item_id: item.selected_value
            for step in self.channel_class.steps
            for item in step.items
            if item.selected_value or not item.must_be_specified
        }

    def config(self, connection: Connection) -> dict[str, str]:
        """Return the wizard's answers with the secrets.

        Raises CredentialsRefused if these cannot be decrypted, or were dropped because their key was lost.
        """
        dropped = not connection.sealed and connection.complete and connection.step != LAST_STEP
        secrets = self.vault.open(connection.sealed) if connection.sealed else None if dropped else {}
        if secrets is None:
            raise CredentialsRefused("The stored credentials cannot be decrypted any more: please enter them again")
        return {**connection.config, **secrets}

    def readable_config(self, connection: Connection) -> dict[str, str]:
        """Return the wizard's answers, without secrets that cannot be decrypted: the wizard asks for these again."""
        return {**connection.config, **((self.vault.open(connection.sealed) if connection.sealed else None) or {})}

    def open_for(self, connection: Connection, deadline: Deadline) -> Channel:
        """Return a connection's channel; raises CredentialsRefused if its secrets cannot be decrypted."""
        return self.open(self.config(connection), deadline)

    def open(self, config: Mapping[str, str], deadline: Deadline) -> Channel:
        """Return the channel with these answers to the wizard, and the defaults of questions without an answer.

        A later version may add a question that existing integrations were never asked.
        """
        return self.channel_class({**self.defaults, **config}, deadline, self.settings)

    @property
    def credentials_step(self) -> Step:
        """The step that asks for the shop's credentials."""
        return self.channel_class.credentials_step()


def load_channel(name: str) -> type[Channel]:
    """Return the class of a built-in channel, of `module.path` or of `module.path:Class`; raises StartError."""
    module_path, _, class_name = BUILT_IN.get(name, name).partition(":")
    try:
        module = importlib.import_module(module_path)
    except Exception as error:  # an external channel may fail in any way while it is imported
        choices = ", ".join(BUILT_IN)
        cause = f"{type(error).__name__}: {error}"
        raise StartError(f"BRIDGE_CHANNEL is {name}: neither built in ({choices}) nor importable: {cause}") from error
    classes = {
        member
        for member in vars(module).values()
        if inspect.isclass(member) and issubclass(member, Channel) and not inspect.isabstract(member)
    }
    found = [member for member in classes if class_name in ("", member.__name__)]
    if len(found) != 1:
        names = ", ".join(sorted(member.__name__ for member in classes)) or "none"
        raise StartError(f"BRIDGE_CHANNEL is {name}: one channel class was expected there, found {names}")
    if [step.name for step in found[0].steps][-1:] != [LAST_STEP]:
        raise StartError(f"BRIDGE_CHANNEL is {name}: its last wizard step must be named {LAST_STEP}")
    return found[0]
