from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def refund(linnworks) -> tuple[str, Any]:
    """Refund part of a paid order; return its reference and the answer."""
    paid = next(order for order in linnworks.orders().values() if order["PaymentStatus"] == "PAID")
    reference = paid["ReferenceNumber"]
    items = [{"OrderLineNumber": "1", "RefundAmount": 0.5}]
    return reference, linnworks("RefundEndpoint", Refund={"ReferenceNumber": reference, "Items": items})
