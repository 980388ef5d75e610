"""What an evidence bundle holds of a study: its documents, and the images of chosen slices.

The slice list is always whole, so that the Merkle root and the summary can be made again; it has no pixels. An image
that is not in the bundle is proven by its CID in the list.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from backend.errors import InvalidInput, InvalidStudy
from backend.ports import ObjectReader
from backend.services import study_documents
from backend.services.study_documents import MAX_LIST_BYTES, MAX_SLICE_MANIFESTS_BYTES

MAX_CHOSEN = 100
MAX_CHOSEN_BYTES = 32 * 1024 * 1024


def study_objects(store: ObjectReader, content: bytes, chosen: Collection[int] | None) -> Iterator[tuple[str, bytes]]:
    """The objects of the study whose manifest is ``content``, by CID; none if it is no study.

    ``chosen`` are the orders of the slices whose images are added; None for those that decided, as far as they fit.
    Raises InvalidInput for slices that there are not, or that are too many; NotFound, StorageError.
    """
    if not study_documents.is_study(content):
        if chosen:
            raise InvalidInput("expected the record of a study, since slices were chosen; found that of one image")
        return
    try:
        manifest = study_documents.read_manifest(content)
        listed = store.get(manifest.slices_cid, max_bytes=MAX_LIST_BYTES)
        slices = study_documents.read_slices(listed, manifest)
    except InvalidStudy:
        return
    yield manifest.slices_cid, listed
    yield manifest.manifests_cid, store.get(manifest.manifests_cid, max_bytes=MAX_SLICE_MANIFESTS_BYTES)
    first, last = manifest.summary.deciding or (0, -1)
    orders = sorted(range(first, last + 1)[:MAX_CHOSEN] if chosen is None else set(chosen))
    if orders and not 0 <= orders[0] <= orders[-1] < manifest.count:
        raise InvalidInput(f"expected slices from 1 to {manifest.count}, found {orders[0] + 1} to {orders[-1] + 1}")
    size = sum(slices[order].size for order in orders)
    if chosen is not None and (len(orders) > MAX_CHOSEN or size > MAX_CHOSEN_BYTES):
        raise InvalidInput(
            f"expected at most {MAX_CHOSEN} slices of {MAX_CHOSEN_BYTES:,} bytes together, found {len(orders)} slices "
            f"of {size:,} bytes"
        )
    taken = 0
    for order in orders:
        taken += slices[order].size
        if taken <= MAX_CHOSEN_BYTES:
            yield slices[order].cid, store.get(slices[order].cid, max_bytes=max(slices[order].size, 1))


def named_by_study(objects: Mapping[str, bytes], cid: str) -> Iterator[str]:
    """The CIDs of ``objects`` that the study ``cid``, one of them, gives a reason for; none if it is no study."""
    content = objects.get(cid, b"")
    if not study_documents.is_study(content):
        return
    try:
        manifest = study_documents.read_manifest(content)
        yield from (manifest.slices_cid, manifest.manifests_cid)
        slices = study_documents.read_slices(objects.get(manifest.slices_cid, b""), manifest)
    except InvalidStudy:
        return
    yield from (each.cid for each in slices)
