"""Every error of ``ml``.

MlError
├── ImageError                  the bytes cannot be read as an image
│   ├── ImageCorrupt
│   ├── ImageUnsupported
│   └── ImageTooLarge
├── DatasetError                a manifest or its files are not as documented
│   ├── DatasetUnknown
│   ├── DatasetLink
│   ├── BreakHisNameInvalid
│   ├── ManifestInvalid
│   ├── ManifestFileMissing
│   ├── UnknownLabel
│   ├── SplitLeak
│   ├── SplitMissing
│   ├── NothingApart
│   ├── TooFewGroups
│   ├── ChartUnavailable
│   └── MaskInvalid
├── TrainingError               a training run cannot start, or none of a search ends
│   ├── UnknownModel
│   ├── OutputNotEmpty
│   ├── ChoiceUnsupported
│   ├── UnknownRecipe
│   ├── InvalidRecipe
│   ├── RunMismatch
│   ├── BackboneNotFrozen
│   ├── LearnedFromVal
│   ├── RefitUnfit
│   └── SearchFailed
├── NetworkError                a network cannot be built, filled or explained
│   ├── UnknownArchitecture
│   ├── NoImageNetWeights
│   ├── WeightsNotFound
│   ├── WeightsUnfit
│   ├── NetworkUnjoinable
│   └── HeadUnexplained
├── ComparisonError             networks cannot be compared, or a result not be read
│   ├── UnknownProtocol
│   ├── OutputNotFinite
│   ├── ResultInvalid
│   └── ResultsMissing
└── BundleError                 a model bundle is refused
    ├── BundleNotFound
    ├── BundleFileMissing
    ├── BundleFileUnlisted
    ├── BundleHashMismatch
    ├── BundleMetadataInvalid
    ├── BundleNetworkMismatch
    ├── BundleMetricsMismatch
    ├── BundleCardMismatch
    ├── UnknownPreprocessing
    ├── TooFewMembers
    ├── EnsembleMemberMissing
    ├── EnsembleMemberUnfit
    └── EnsembleMemberSplits
"""

from ml.errors.bundles import (
    BundleCardMismatch,
    BundleError,
    BundleFileMissing,
    BundleFileUnlisted,
    BundleHashMismatch,
    BundleMetadataInvalid,
    BundleMetricsMismatch,
    BundleNetworkMismatch,
    BundleNotFound,
    EnsembleMemberMissing,
    EnsembleMemberSplits,
    EnsembleMemberUnfit,
    TooFewMembers,
    UnknownPreprocessing,
)
from ml.errors.comparisons import (
    ComparisonError,
    OutputNotFinite,
    ResultInvalid,
    ResultsMissing,
    UnknownProtocol,
)
from ml.errors.datasets import (
    BreakHisNameInvalid,
    ChartUnavailable,
    DatasetError,
    DatasetLink,
    DatasetUnknown,
    ManifestFileMissing,
    ManifestInvalid,
    MaskInvalid,
    NothingApart,
    SplitLeak,
    SplitMissing,
    TooFewGroups,
    UnknownLabel,
)
from ml.errors.images import (
    ImageCorrupt,
    ImageError,
    ImageTooLarge,
    ImageUnsupported,
)
from ml.errors.networks import (
    HeadUnexplained,
    NetworkError,
    NetworkUnjoinable,
    NoImageNetWeights,
    UnknownArchitecture,
    WeightsNotFound,
    WeightsUnfit,
)
from ml.errors.root import MlError
from ml.errors.training import (
    BackboneNotFrozen,
    ChoiceUnsupported,
    InvalidRecipe,
    LearnedFromVal,
    OutputNotEmpty,
    RefitUnfit,
    RunMismatch,
    SearchFailed,
    TrainingError,
    UnknownModel,
    UnknownRecipe,
)

__all__ = [
    "BackboneNotFrozen",
    "BreakHisNameInvalid",
    "BundleCardMismatch",
    "BundleError",
    "BundleFileMissing",
    "BundleFileUnlisted",
    "BundleHashMismatch",
    "BundleMetadataInvalid",
    "BundleMetricsMismatch",
    "BundleNetworkMismatch",
    "BundleNotFound",
    "ChartUnavailable",
    "ChoiceUnsupported",
    "ComparisonError",
    "DatasetError",
    "DatasetLink",
    "DatasetUnknown",
    "EnsembleMemberMissing",
    "EnsembleMemberSplits",
    "EnsembleMemberUnfit",
    "HeadUnexplained",
    "ImageCorrupt",
    "ImageError",
    "ImageTooLarge",
    "ImageUnsupported",
    "InvalidRecipe",
    "LearnedFromVal",
    "ManifestFileMissing",
    "ManifestInvalid",
    "MaskInvalid",
    "MlError",
    "NetworkError",
    "NetworkUnjoinable",
    "NoImageNetWeights",
    "NothingApart",
    "OutputNotEmpty",
    "OutputNotFinite",
    "RefitUnfit",
    "ResultInvalid",
    "ResultsMissing",
    "RunMismatch",
    "SearchFailed",
    "SplitLeak",
    "SplitMissing",
    "TooFewGroups",
    "TooFewMembers",
    "TrainingError",
    "UnknownArchitecture",
    "UnknownLabel",
    "UnknownModel",
    "UnknownPreprocessing",
    "UnknownProtocol",
    "UnknownRecipe",
    "WeightsNotFound",
    "WeightsUnfit",
]
