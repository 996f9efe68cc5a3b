"""What the names of an artifact's files say, before anything is read.

A tree of folders (MLflow, SavedModel, Hugging Face, Triton) is one model and hides the files in it.
Of single files only those at the top count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

# A format that only the content can tell.
UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file, or a tree, that may be a model.

    file: its path in the listing; of a tree the file that tells. framework: None until read.
    """

    framework: str | None
    format: str
    file: str


# Endings at the top of the folder -> framework, format.
_ENDINGS: Mapping[str, tuple[str | None, str]] = {
    ".joblib": (None, "pickle"),
    ".pickle": (None, "pickle"),
    ".pkl": (None, "pickle"),
    ".cloudpickle": (None, "pickle"),
    ".sav": (None, "pickle"),
    ".bst": ("xgboost", UNREAD),
    ".xgb": ("xgboost", UNREAD),
    ".ubj": ("xgboost", "ubj"),
    ".lgb": ("lightgbm", "text"),
    ".cbm": ("catboost", "cbm"),
    ".keras": ("keras", "keras"),
    ".h5": ("keras", "h5"),
    ".hdf5": ("keras", "h5"),
    ".onnx": ("onnx", "onnx"),
    ".pt": ("pytorch", UNREAD),
    ".pth": ("pytorch", UNREAD),
    ".pt2": ("pytorch", "export"),
    ".ckpt": ("pytorch", "weights"),
    ".safetensors": ("pytorch", "weights"),
}
# Endings that models share with anything else: without reading, only these names are taken.
SHARED: Mapping[str, tuple[str, str]] = {
    "model.json": ("xgboost", "json"),
    "model.txt": ("lightgbm", "text"),
    "model.bin": ("xgboost", "binary"),
}
# Endings of what is never a model: not worth a look.
_OTHER_ENDINGS = frozenset(
    {
        *(".md", ".rst", ".html", ".htm", ".pdf", ".svg", ".gif", ".css", ".js", ".log", ".lock"),
        *(".yaml", ".yml", ".toml", ".cfg", ".ini", ".env", ".py", ".pyc", ".ipynb", ".sh", ".r"),
        *(".pb", ".pbtxt", ".index", ".msgpack", ".jsonl", ".tsv", ".xls", ".xlsx", ".db", ".sql"),
        *(".tar", ".tgz", ".zip", ".whl", ".exe", ".so", ".dll", ".wav", ".mp3", ".mp4", ".avi"),
    }
)
_WEIGHTS = re.compile(r".*\.weights\.h5|(pytorch_)?model-\d+-of-\d+\.(bin|safetensors)")

_SAVED_MODEL = re.compile(r"(?:\d+/)?saved_model\.pb(?:txt)?")
_HUGGING_FACE_WEIGHTS = re.compile(
    r"(model|pytorch_model|tf_model|flax_model)(-\d+-of-\d+)?"
    r"\.(safetensors|bin|h5|msgpack)(\.index\.json)?"
)
# Where ZenML's materializers put such a model, or at the top.
_HUGGING_FACE_FOLDERS = ("", "hf_pt_model/", "hf_tf_model/")
_TRITON = re.compile(
    r"[^/]+/(?:config\.pbtxt|\d+/model\.(?:onnx|pt|plan|graphdef|py|xml|savedmodel/.*))"
)

# Names that pipelines give to what is no model.
_DATA: Mapping[str, str] = {
    "data.npy": "a numpy array",
    "data.npz": "a scipy matrix",
    "data.parquet": "a numpy array",
    "df.parquet.gzip": "a pandas frame",
    "df.csv": "a pandas frame",
    "dataframe.parquet": "a polars frame",
    "data.json": "a plain value",
    "data_v2.json": "a pydantic object",
    "data.binary": "training data of XGBoost or LightGBM",
    "entire_dataloader.pt": "a PyTorch data loader",
    "service.json": "a deployed service",
    "output.html": "a report",
    "output.md": "a report",
    "uuid.txt": "a UUID",
}
_DATA_ENDINGS: Mapping[str, str] = {
    ".npy": "a numpy array",
    ".npz": "numpy arrays",
    ".csv": "a table",
    ".parquet": "a table",
    ".feather": "a table",
    ".arrow": "a table",
    ".png": "an image",
    ".jpg": "an image",
    ".jpeg": "an image",
}
_NO_MODELS = _OTHER_ENDINGS | frozenset(_DATA_ENDINGS)
_DATA_FOLDERS: Mapping[str, str] = {
    "hf_datasets/": "a Hugging Face data set",
    "hf_tokenizer/": "a Hugging Face tokenizer without its model",
    "saved_data/": "a TensorFlow data set",
}


def find_tree(files: Sequence[str]) -> Candidate | None:
    """The model that a whole tree of files is, or None."""
    if "MLmodel" in files:
        return Candidate("mlflow", "mlflow", "MLmodel")
    for file in files:
        if _SAVED_MODEL.fullmatch(file):
            return Candidate("tensorflow", "savedmodel", file)
    for folder in _HUGGING_FACE_FOLDERS:
        inside = [file.removeprefix(folder) for file in files if file.startswith(folder)]
        if "config.json" in inside and any(map(_HUGGING_FACE_WEIGHTS.fullmatch, inside)):
            return Candidate("huggingface", "huggingface", f"{folder}config.json")
    for file in files:
        if _TRITON.fullmatch(file):
            return Candidate("triton", "triton", file)
    return None


def find_files(files: Sequence[str], *, is_readable: bool) -> Iterator[Candidate]:
    """Each single file at the top that may be a model.

    is_readable: whether content can be looked at; then any name may be one that is not known to
    be something else, such as `iris.json`, `model.joblib.gz` or one without an ending.
    """
    names = [file for file in files if "/" not in file and file not in _DATA]
    for name in names:
        # ZenML writes the weights beside the whole module: they are one artifact.
        if name == "checkpoint.pt" and "entire_model.pt" in names:
            continue
        if _WEIGHTS.fullmatch(name):
            yield Candidate("keras" if name.endswith(".h5") else "pytorch", "weights", name)
        elif (found := _ENDINGS.get(_ending(name))) is not None:
            yield Candidate(*found, name)
        elif is_readable and _ending(name) not in _NO_MODELS:
            yield Candidate(None, UNREAD, name)
        elif name in SHARED:
            yield Candidate(*SHARED[name], name)


def find_deeper(files: Sequence[str]) -> list[str]:
    """The folders, of a listing without a model of its own, that models seem to lie in."""
    found: dict[str, None] = {}
    for file in files:
        folder, _, name = file.rpartition("/")
        if folder and (find_tree([name]) or any(find_files([name], is_readable=False))):
            found[folder] = None
    return list(found)


def find_data(files: Sequence[str]) -> str | None:
    """What an artifact without a model is, as far as its names tell."""
    for file in files:
        if "/" not in file and file in _DATA:
            return _DATA[file]
        for folder, kind in _DATA_FOLDERS.items():
            if file.startswith(folder):
                return kind
    kinds = (_DATA_ENDINGS.get(_ending(file)) for file in files if "/" not in file)
    return next((kind for kind in kinds if kind), None)


def _ending(name: str) -> str:
    return "." + name.rpartition(".")[2].lower()
