"""Programs of Debian that some tests need, and skip without."""

from __future__ import annotations

import os
import shutil

import pytest

_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))
needs_orthanc = pytest.mark.skipif(
    not shutil.which("Orthanc", path=_PATH), reason="install the Debian packages orthanc and orthanc-dicomweb"
)
needs_dcmtk = pytest.mark.skipif(not shutil.which("storescu"), reason="install the Debian package dcmtk")
