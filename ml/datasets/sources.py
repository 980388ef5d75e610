"""Where the public data sets can be downloaded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PublicSet:
    """``size`` is that of the download; ``unpacking`` names the folder that `scanproof data` and training then take."""

    name: str
    content: str
    address: str
    size: str
    licence: str
    unpacking: str
    reference: str


PUBLIC_SETS = (
    PublicSet(
        name="BreakHis",
        content="7,909 breast histology images, 700 x 460, benign and malignant, 82 patients, at 40X, 100X, 200X, 400X",
        address="https://web.inf.ufpr.br/vri/databases/breast-cancer-histopathological-database-breakhis/",
        size="about 4 GB",
        licence="CC BY 4.0",
        unpacking="tar -xzf BreaKHis_v1.tar.gz, then name the folder BreaKHis_v1; all else is read from the file names",
        reference="Spanhol et al., IEEE Trans. Biomedical Engineering 63(7), 2016, doi:10.1109/TBME.2015.2496264",
    ),
    PublicSet(
        name="Brain Tumor MRI Dataset",
        content="7,023 brain-MRI images (later versions hold more): glioma, meningioma, notumor, pituitary; no patient "
        "ids; many near-duplicates, also turned and mirrored ones; notumor comes from another source",
        address="https://www.kaggle.com/datasets/masoudnickparvar/brain-tumor-mri-dataset",
        size="about 150 MB",
        licence="CC0 (the page of the version that you take tells)",
        unpacking="unzip archive.zip -d brain, then name the folder brain, which holds Training and Testing, but no "
        "validation part",
        reference="Nickparvar, Kaggle, 2021, doi:10.34740/kaggle/dsv/2645886",
    ),
    PublicSet(
        name="figshare brain tumor dataset",
        content="3,064 contrast-enhanced T1 slices, 512 x 512, of 233 patients, with the tumour's outline: "
        "meningioma 708, glioma 1,426, pituitary 930",
        address="https://figshare.com/articles/dataset/brain_tumor_dataset/1512427",
        size="about 840 MB",
        licence="CC BY 4.0",
        unpacking="unzip the four archives within; each MATLAB 7.3 (HDF5) file holds cjdata: image, tumorMask, PID "
        "(patient) and label (1 meningioma, 2 glioma, 3 pituitary). Write the images as PNG and a manifest.csv with "
        "path, label and group (PID)",
        reference="Cheng et al., PLoS ONE 10(10), 2015, doi:10.1371/journal.pone.0140381",
    ),
)
