from __future__ import annotations

import pytest

from backend.adapters.ipfs.unixfs import cid_of


@pytest.mark.parametrize("size", [0, 1, 262_144, 262_145])
def test_the_cid_is_that_of_the_store(scanproof, tmp_path, size):
    file = tmp_path / "image"
    file.write_bytes(b"\x07" * size)
    expected = cid_of(file.read_bytes())

    assert scanproof("cid", file).stdout == expected + "\n"
    assert scanproof("cid", file, "--json").json == {"cid": expected, "size": size}
