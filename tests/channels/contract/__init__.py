"""The suites that every channel passes, one for each capability.

They call the bridge as Linnworks does, so they apply to any shop; `examples/smallest` shows them in use outside this
repository. The tests of a new channel begin with its settings (unless it is the default channel), its shop and a class:

    @pytest.fixture(scope="module")
    def settings(tmp_path_factory):
        data = tmp_path_factory.mktemp("data")
        return Settings(data_dir=data, channel="my_bridge.shop", allow_private_shops=True)  # a shop on this machine


    @pytest.fixture(scope="module")
    def shop(app):
        return MyShop()  # a ShopUnderTest


    class TestMyShop(SetUpContract, OrdersContract, StockContract):
        \"\"\"My shop keeps the promises of these suites.\"\"\"
"""

from tests.channels.contract.despatch import DespatchContract
from tests.channels.contract.listings import ListingsContract
from tests.channels.contract.order_state import OrderStateContract
from tests.channels.contract.orders import OrdersContract
from tests.channels.contract.post_sale import PostSaleContract
from tests.channels.contract.products import PriceContract, ProductsContract, StockContract
from tests.channels.contract.set_up import SetUpContract
from tests.channels.contract.shop import ShopUnderTest

__all__ = [
    "DespatchContract",
    "ListingsContract",
    "OrderStateContract",
    "OrdersContract",
    "PostSaleContract",
    "PriceContract",
    "ProductsContract",
    "SetUpContract",
    "ShopUnderTest",
    "StockContract",
]
