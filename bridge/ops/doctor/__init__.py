"""The doctor: checks an installation, however broken, and says what is wrong and how to fix it."""

from bridge.ops.doctor.examination import examine
from bridge.ops.doctor.findings import Finding, State, worst

__all__ = ["Finding", "State", "examine", "worst"]
