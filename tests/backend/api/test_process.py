"""The application as a server runs it, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backend.settings import Settings

MAX_RESIDENT_MB = 350
PROGRAM = """
import io, re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from PIL import Image
from backend.wsgi import app

scan = io.BytesIO()
Image.linear_gradient("L").resize((7000, 5700)).convert("RGB").save(scan, "JPEG")

def work(_):
    client = app.test_client()
    image = client.post("/api/v1/images", data={"file": (io.BytesIO(scan.getvalue()), "scan.jpg")}).json
    assert "cid" in image, image
    return client.post(f"/api/v1/images/{image['cid']}/classifications").status_code

with ThreadPoolExecutor(4) as pool:
    assert set(pool.map(work, range(4))) <= {200, 201}
print(re.search(r"VmRSS:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.slow
def test_after_the_largest_images_the_process_is_small_again(ganache: Settings, tmp_path: Path) -> None:
    environ = {
        **os.environ,
        "SCANPROOF_VAR": str(tmp_path),
        "SCANPROOF_CHAIN": "external",
        "SCANPROOF_CHAIN_ID": str(ganache.chain_id),
        "SCANPROOF_RPC_URL": ganache.rpc_url,
        "SCANPROOF_CONTRACT_ADDRESS": ganache.contract_address,
        "SCANPROOF_CONTRACT_BLOCK": str(ganache.contract_block),
    }
    result = subprocess.run([sys.executable, "-c", PROGRAM], env=environ, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    print(f"resident after four images of 40 megapixels: {int(result.stdout) / 1024:.0f} MB")
    assert int(result.stdout) / 1024 < MAX_RESIDENT_MB
