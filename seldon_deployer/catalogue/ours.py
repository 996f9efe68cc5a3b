"""Servers of ours that Seldon's operator does not know by name: one image, one class each.

Some read what a server of Seldon's reads too, which has old libraries. They answer both protocols,
with the libraries of whoever builds the image; on the embedded runtime with those of the
environment that deploys.
"""

from __future__ import annotations

from collections.abc import Mapping

from seldon_deployer.catalogue.server import OUR_IMAGE, Server


def _ours(
    name: str,
    local_class: str,
    files: tuple[str, ...],
    formats: tuple[str, ...],
    libraries: tuple[str, ...],
    parameters: Mapping[str, str] | None = None,
) -> Server:
    path = f"seldon_deployer.server.{local_class}"
    return Server(
        name,
        images={"seldon": OUR_IMAGE, "v2": OUR_IMAGE},
        files={"seldon": files, "v2": files} if files else {},
        formats=formats,
        parameters=parameters or {},
        local_class=path,
        libraries=libraries,
        is_prepackaged=False,
        env={"MODEL_NAME": path, "SERVICE_TYPE": "MODEL"},
    )


OUR_SERVERS = (
    # Of a pickle it needs no more than a `predict` that takes rows: XGBoost's, LightGBM's and
    # CatBoost's own classifiers and regressors have it too.
    _ours(
        "OUR_SKLEARN_SERVER",
        "sklearn.SKLearnServer",
        ("model.joblib", "model.pickle", "model.pkl"),
        ("pickle",),
        ("scikit-learn",),
        {"method": "predict_proba"},
    ),
    _ours(
        "OUR_XGBOOST_SERVER",
        "xgboost.XGBoostServer",
        ("model.bst", "model.json", "model.ubj"),
        ("json", "ubj", "binary"),
        ("xgboost",),
        {"method": ""},
    ),
    _ours(
        "LIGHTGBM_SERVER",
        "lightgbm.LightGBMServer",
        ("model.txt",),
        ("text",),
        ("lightgbm",),
        {"method": ""},
    ),
    _ours(
        "CATBOOST_SERVER",
        "catboost.CatBoostServer",
        ("model.cbm",),
        ("cbm",),
        ("catboost",),
        {"method": ""},
    ),
    _ours(
        "PYTORCH_SERVER",
        "pytorch.PyTorchServer",
        ("model.pt", "model.pt2"),
        ("torchscript", "export"),
        ("torch",),
    ),
    _ours("ONNX_SERVER", "onnx.ONNXServer", ("model.onnx",), ("onnx",), ("onnxruntime",)),
    # The last two are a TensorFlow SavedModel, bare or in a version's folder.
    _ours(
        "KERAS_SERVER",
        "keras.KerasServer",
        ("model.keras", "model.h5", "saved_model.pb", "1/saved_model.pb"),
        ("keras", "h5", "savedmodel"),
        ("keras", "tensorflow-cpu"),
    ),
    # Seldon's knows V2 alone.
    _ours(
        "OUR_HUGGINGFACE_SERVER",
        "huggingface.HuggingFaceServer",
        (),
        ("huggingface",),
        ("transformers", "torch"),
        {"task": "", "pretrained_tokenizer": ""},
    ),
)
