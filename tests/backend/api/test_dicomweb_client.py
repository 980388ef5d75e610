"""dicomweb-client, a client that others wrote, stores, searches and retrieves here."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient
from flask import Flask
from PIL import Image
from pydicom.uid import RLELossless
from requests import HTTPError
from werkzeug.serving import make_server

from backend.adapters.dicom.cleaner import SenderCleaner
from backend.container import Container
from tests.backend.received import SERIES, series
from tests.dicoms import written


@pytest.fixture
def container(container: Container, cleaner: SenderCleaner) -> Container:
    return replace(container, received=replace(container.received, cleaner=cleaner))


@pytest.fixture
def web(app: Flask) -> Iterator[DICOMwebClient]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield DICOMwebClient(f"http://127.0.0.1:{server.server_port}/dicomweb")
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_series_is_stored_found_and_retrieved(web: DICOMwebClient) -> None:
    native, compressed = (pydicom.dcmread(io.BytesIO(content)) for content in series(2))
    compressed.compress(RLELossless, generate_instance_uid=False)
    sent = [native, pydicom.dcmread(io.BytesIO(written(compressed)))]
    answer = web.store_instances(sent)
    assert [each.ReferencedSOPInstanceUID for each in answer.ReferencedSOPSequence] == [f"{SERIES}.1", f"{SERIES}.2"]

    (study,) = web.search_for_studies(search_filters={"ModalitiesInStudy": "MR"}, fields=["StudyDate"])
    uid = study["0020000D"]["Value"][0]
    assert len(web.search_for_series(uid)) == 1
    assert len(web.search_for_instances(get_remaining=True, limit=1)) == 2
    files = web.retrieve_study(uid)
    assert sorted(each.InstanceNumber for each in files) == [1, 2]
    described = web.retrieve_study_metadata(uid)
    assert len(described) == 2

    for file in files:
        place = (str(uid), str(file.SeriesInstanceUID), str(file.SOPInstanceUID))
        expected = sent[file.InstanceNumber - 1].pixel_array.astype("<u2").tobytes()
        assert web.retrieve_instance_frames(*place, [1]) == [expected]
        address = next(
            each["7FE00010"]["BulkDataURI"] for each in described if each["00080018"]["Value"] == [file.SOPInstanceUID]
        )
        # This client sends no port in its header Host, of which addresses are made.
        assert web.retrieve_bulkdata(address.replace("http://127.0.0.1", f"http://127.0.0.1:{web.port}")) == [expected]
        picture = web.retrieve_instance_rendered(*place, media_types=("image/png",))
        assert np.asarray(Image.open(io.BytesIO(picture))).shape == (48, 48)
        shown = web.retrieve_instance_frames_rendered(*place, [1], media_types=("image/jpeg",))
        assert Image.open(io.BytesIO(shown)).format == "JPEG"
        assert web.retrieve_instance(*place).file_meta.TransferSyntaxUID == file.file_meta.TransferSyntaxUID


def test_a_stored_transfer_syntax_is_given_to_who_asks_for_it(web: DICOMwebClient) -> None:
    made = pydicom.dcmread(io.BytesIO(series(1)[0]))
    made.compress(RLELossless)
    web.store_instances([pydicom.dcmread(io.BytesIO(written(made)))])
    (one,) = web.search_for_instances()
    study, uid, instance = (one[tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018"))
    wanted = (("image/dicom-rle", str(RLELossless)),)
    (found,) = web.retrieve_instance_frames(study, uid, instance, [1], media_types=wanted)
    assert found == pydicom.encaps.get_frame(made.PixelData, 0, number_of_frames=1)
    with pytest.raises(HTTPError, match="406"):
        web.retrieve_instance_frames(study, uid, instance, [1], media_types=("image/jls",))
