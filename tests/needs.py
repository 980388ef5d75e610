"""Programs of Debian that some tests need, and skip without."""

from __future__ import annotations

import os
import shutil

import pytest

ORTHANC = shutil.which("Orthanc", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))
"""Debian puts it where not everybody's PATH leads."""
needs_orthanc = pytest.mark.skipif(not ORTHANC, reason="install the Debian packages orthanc and orthanc-dicomweb")
needs_dcmtk = pytest.mark.skipif(not shutil.which("storescu"), reason="install the Debian package dcmtk")
needs_gdcm = pytest.mark.skipif(not shutil.which("gdcmconv"), reason="install the Debian package libgdcm-tools")
