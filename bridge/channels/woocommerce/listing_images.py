"""The images of a listing in WooCommerce, which downloads them during the call.

They are sent one by one: with several in a call, one that cannot be downloaded fails the call, and those before it
stay in the shop's media library without a product, again with each try. An image is sent once; further variations
with the same one get its id.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.channels.woocommerce.api import WooClient
from bridge.channels.woocommerce.listing_payload import ListingPayload
from bridge.channels.woocommerce.product_lookup import chunks
from bridge.channels.woocommerce.refusals import error_message
from bridge.channels.woocommerce.values import custom_field, listed, row_id
from bridge.clock import monotonic
from bridge.errors import ChannelRefused, ChannelUnavailable, CredentialsRefused
from bridge.protocol.schemas.listings import FeedMessage, Severity

IMAGES = "_linnworks_images"
"""The custom field of a product or variation that has the ids and URLs of its images, one a line; the id 0 stands for
the image that was sent with this value."""
MOST_TRIES = 2
"""An image is left out after this many calls without an answer: its server may be silent, or the image too large for
the shop. The shop may finish such a call later, so each further try may leave an image without a product."""
FAILURE_SECONDS = 3600  # how long failures are remembered
NO_ANSWER = "the shop did not answer while it downloaded the image"
LEAST_SECONDS = 2  # no further image is sent with less time left, because the call would be lost
BATCH_SIZE = 25

Row = Mapping[str, Any]


def send_images(
    shop: WooClient, product: Row, payload: ListingPayload, variations: Mapping[str, Row]
) -> Iterator[FeedMessage]:
    """Send the images that the shop has not downloaded for this listing yet, and yield a warning for each that failed.

    `variations` are rows by SKU in lower case.
    """
    images = _Images(shop, f"products/{product['id']}")
    urls = list(dict.fromkeys(image.url for image in payload.listing.images if image.url))
    yield from images.send_to_product(product, urls)
    wanted = {
        variation.sku.casefold(): variation.images[0].url
        for variation in payload.listing.variations
        if variation.images and variation.images[0].url
    }
    yield from images.send_to_variations(
        [(variations[sku], url) for sku, url in wanted.items() if sku in variations],
    )


@dataclass
class _Images:
    """The images of the product at a path; `ids` are those that the shop has, by URL."""

    shop: WooClient
    path: str
    ids: dict[str, int] = field(default_factory=dict)
    calls: int = 0

    def send_to_product(self, product: Row, urls: list[str]) -> Iterator[FeedMessage]:
        """Make these the product's images, in this order; it keeps what it had if none of them can be downloaded."""
        recorded = _recorded(product)
        self.ids |= {url: number for url, number in recorded.items() if number}
        shown = list(recorded)
        if shown == urls:
            return
        for url in sorted((url for url in urls if url not in self.ids), key=self._failed_before):
            sent = {one: self.ids.get(one, 0) for one in urls if one in self.ids or one == url}
            answer, problem = self._send(self.path, url, {"images": _entries(sent), **_record(sent)})
            if answer is None:
                yield _missing(url, problem)
                continue
            shown = list(sent)
            self._learn(url, _shown(answer)[shown.index(url) :])
        left = {url: self.ids[url] for url in urls if url in self.ids}
        if shown != list(left) and (left or not urls):
            self.shop.put(self.path, {"images": _entries(left), **_record(left)})

    def send_to_variations(self, wanted: list[tuple[Row, str]]) -> Iterator[FeedMessage]:
        """Give each variation its image."""
        for row, _ in wanted:
            self.ids |= {url: number for url, number in _recorded(row).items() if number}
        known: list[tuple[Row, str]] = []
        failed: set[str] = set()
        for row, url in sorted(wanted, key=lambda one: self._failed_before(one[1])):
            if url in failed or url in _recorded(row):
                continue
            if url in self.ids:
                known.append((row, url))
                continue
            body = {"image": {"src": url}, **_record({url: 0})}
            answer, problem = self._send(f"{self.path}/variations/{row['id']}", url, body)
            if answer is None:
                failed.add(url)
                yield _missing(url, problem)
            else:
                self._learn(url, _shown(answer))
        for chunk in chunks(known, BATCH_SIZE):
            entries = [
                {"id": row["id"], "image": {"id": self.ids[url]}, **_record({url: self.ids[url]})} for row, url in chunk
            ]
            answers = self.shop.post(f"{self.path}/variations/batch", {"update": entries}).object().get("update", ())
            for (_, url), answer in zip(chunk, answers, strict=True):
                if error := error_message(answer.get("error")):
                    yield _missing(url, error)

    def _learn(self, url: str, shown: Sequence[int]) -> None:
        if shown:
            self.ids[url] = shown[0]

    def _failed_before(self, url: str) -> bool:
        """Return whether an image failed lately: it is tried again after the others, if there is time."""
        return self._last_failure(url) != (0, "")

    def _last_failure(self, url: str) -> tuple[int, str]:
        """Return how many calls with an image were lost lately, and why the last one failed."""
        failed_at, lost, problem = json.loads(self.shop.cache.get(self._key(url), '[0, 0, ""]'))
        return (lost, problem) if monotonic() < failed_at + FAILURE_SECONDS else (0, "")

    def _key(self, url: str) -> str:
        return f"woocommerce image {hashlib.sha256(f'{self.path} {url}'.encode()).hexdigest()}"

    def _send(self, path: str, url: str, body: Mapping[str, Any]) -> tuple[dict[str, Any] | None, str]:
        """Send a body with one image that is new; return the answer, or None and why the image is missing.

        Raises ChannelUnavailable where another try may help.
        """
        lost, problem = self._last_failure(url)
        late = self.calls > 0 and self.shop.deadline.left() < LEAST_SECONDS
        if lost >= MOST_TRIES or (problem and late):
            return None, problem
        if late:
            raise ChannelUnavailable("There was no time left to send all images")
        self.calls += 1
        try:
            return self.shop.put(path, body).object(), ""
        except CredentialsRefused:
            raise
        except ChannelRefused as refusal:
            self.shop.cache[self._key(url)] = json.dumps([monotonic(), 0, str(refusal)])
            return None, str(refusal)
        except ChannelUnavailable:
            self.shop.cache[self._key(url)] = json.dumps([monotonic(), lost + 1, NO_ANSWER])
            raise


def _recorded(row: Row) -> dict[str, int]:
    """Return the ids of a row's images by URL, 0 for one that it does not have any more."""
    shown = _shown(row)
    lines = [line.partition(" ") for line in custom_field(row, IMAGES).splitlines()]
    named = {number for number, _, _ in lines}
    others = [number for number in shown if str(number) not in named]
    newest = others[0] if len(others) == 1 else 0
    return {
        url: newest if number == "0" else next((one for one in shown if str(one) == number), 0)
        for number, _, url in lines
    }


def _shown(row: Row) -> list[int]:
    """Return the ids of the images of a product or variation."""
    images = (image for image in (*listed(row.get("images")), row.get("image")) if isinstance(image, dict))
    return [number for image in images if (number := row_id(image))]


def _entries(images: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"id": number} if number else {"src": url} for url, number in images.items()]


def _record(images: Mapping[str, int]) -> dict[str, Any]:
    return {"meta_data": [{"key": IMAGES, "value": "\n".join(f"{number} {url}" for url, number in images.items())}]}


def _missing(url: str, problem: str) -> FeedMessage:
    return FeedMessage(type=Severity.Warning, message=f"The image {url} is missing: {problem}")
