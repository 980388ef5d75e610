"""A DICOM file is uploaded, shown and classified like any image."""

from __future__ import annotations

import io

import numpy as np
from flask.testing import FlaskClient
from PIL import Image

from ml.preprocessing.dicom import picture
from tests.backend.api.conftest import API, upload
from tests.dicoms import deidentified, dicom

SLICE = np.asarray(Image.radial_gradient("L")).astype(np.uint16) * 12 + 300


def test_a_file_is_pinned_shown_and_classified(client: FlaskClient) -> None:
    content = deidentified(dicom(SLICE, WindowCenter=1500, WindowWidth=2000))
    answer = upload(client, content)
    facts = answer.json
    assert (answer.status_code, facts["mediaType"], facts["width"]) == (201, "application/dicom", 256)
    sent = client.get(facts["links"]["content"])
    assert (sent.data, sent.content_type) == (content, "application/dicom")
    view = client.get(facts["links"]["view"])
    assert view.content_type == "image/png"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(view.data))), np.asarray(picture(content)[0]))
    result = client.post(f"{API}/images/{facts['cid']}/classifications").json
    assert result["label"]


def test_a_file_that_names_its_patient_is_refused(client: FlaskClient) -> None:
    answer = upload(client, dicom(SLICE, PatientName="Doe^Jane"))
    assert (answer.status_code, answer.json["type"]) == (422, "urn:scanproof:problem:identifiers-left")
    assert "Doe" not in answer.text
