"""Bytes in an evidence file that no check reads: before, between and after its entries, and in its headers."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest
import rfc8785

from backend.services.evidence_file import pack

from .test_evidence_file import CID, CONTENT, EVIDENCE, archive, index, refused

PACKED = pack(EVIDENCE)
CENTRAL = PACKED.index(b"PK\x01\x02")
SECOND = PACKED.index(b"PK\x03\x04", 4)
END = len(PACKED) - 22
JUNK = b"<html>another document</html>"


def moved(content: bytes, place: int, added: bytes, *, entries: int = 0, directory: bool = True) -> bytes:
    """``added`` at ``place``, with all offsets behind it corrected as a careful forger would."""
    end = bytearray(content[END:])
    if directory:
        struct.pack_into("<L", end, 16, struct.unpack_from("<L", end, 16)[0] + len(added))
    head = bytearray(content[:END])
    if entries:
        last = head.rindex(b"PK\x01\x02")
        struct.pack_into("<L", head, last + 42, struct.unpack_from("<L", head, last + 42)[0] + len(added))
    return bytes(head[:place] + added + head[place:] + end)


@pytest.mark.parametrize(
    "content",
    [
        JUNK + PACKED,
        PACKED + JUNK,
        PACKED + b"\0",
        moved(PACKED, SECOND, JUNK, entries=1),
        moved(PACKED, CENTRAL, JUNK),
        moved(PACKED, END, JUNK, directory=False),
        PACKED[:-2] + len(JUNK).to_bytes(2, "little") + JUNK,
    ],
    ids=["before", "after", "a byte after", "between entries", "before the directory", "behind it", "a comment"],
)
def test_bytes_that_belong_to_no_entry(content):
    assert "expected" in refused(content)


def test_a_document_before_the_archive_with_offsets_that_fit():
    shifted = bytearray(moved(PACKED, 0, JUNK, entries=1))
    first = shifted.index(b"PK\x01\x02")
    struct.pack_into("<L", shifted, first + 42, len(JUNK))
    with zipfile.ZipFile(io.BytesIO(bytes(shifted))) as archive_:
        assert archive_.read(f"objects/{CID}") == CONTENT

    assert "at byte 0" in refused(bytes(shifted))


def test_comments_and_extra_fields():
    for attribute in ("comment", "extra"):
        entry = zipfile.ZipInfo("evidence.json")
        setattr(entry, attribute, b"\x99\x99\x04\x00junk")
        assert "without comments and extra fields" in refused(archive((entry, rfc8785.dumps(index()))))


@pytest.mark.parametrize(
    ("place", "kind", "value"),
    [(6, "<H", 8), (8, "<H", 8), (14, "<L", 1), (18, "<L", 1), (22, "<L", 1), (10, "<H", 77)],
    ids=["sizes that follow", "method", "checksum", "packed size", "size", "time"],
)
def test_a_local_header_that_differs_from_the_directory(place, kind, value):
    changed = bytearray(PACKED)
    struct.pack_into(kind, changed, place, value)

    assert "expected" in refused(bytes(changed))


def test_a_local_name_that_differs_from_the_directory():
    changed = PACKED.replace(b"evidence.json", b"evidence.jsoN", 1)

    assert "as in the central directory" in refused(changed)


def test_an_entry_that_the_directory_leaves_out():
    hidden = archive(("evidence.json", rfc8785.dumps(index())), (f"objects/{CID}", JUNK))
    second = hidden.rindex(b"PK\x01\x02")
    end = bytearray(hidden[-22:])
    start = struct.unpack_from("<L", end, 16)[0]
    struct.pack_into("<HHLL", end, 8, 1, 1, second - start, start)

    assert "bytes between them" in refused(hidden[:second] + bytes(end))


def test_two_directory_entries_of_the_same_bytes():
    name = f"objects/{CID}".encode()
    last = PACKED.rindex(b"PK\x01\x02")
    other = PACKED[last:END].replace(name, name[:-1] + b"a")
    end = bytearray(PACKED[END:])
    size, start = struct.unpack_from("<LL", end, 12)
    struct.pack_into("<HHLL", end, 8, 3, 3, size + len(other), start)

    assert "expected" in refused(PACKED[:END] + other + bytes(end))


def test_bytes_behind_the_end_of_a_deflated_entry():
    content = rfc8785.dumps(index())
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    data = compressor.compress(content) + compressor.flush() + JUNK
    name = b"evidence.json"
    shared = struct.pack("<5H3L", 20, 0, 8, 0, 33, zlib.crc32(content), len(data), len(content))
    local = b"PK\x03\x04" + shared + struct.pack("<2H", len(name), 0) + name + data
    central = b"PK\x01\x02" + struct.pack("<H", 20) + shared + struct.pack("<5H2L", len(name), 0, 0, 0, 0, 0, 0) + name
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(central), len(local), 0)

    assert "found a damaged file" in refused(local + central + end)
