"""Servers of ours that Seldon's operator does not know by name: one image, one class each.

They answer both protocols, with the libraries of whoever builds the image; on the embedded runtime
with those of the environment that deploys.
"""

from __future__ import annotations

from collections.abc import Mapping

from seldon_deployer.catalogue.server import OUR_IMAGE, Server


def _ours(
    name: str,
    local_class: str,
    files: tuple[str, ...],
    parameters: Mapping[str, str] | None = None,
) -> Server:
    path = f"seldon_deployer.server.{local_class}"
    return Server(
        name,
        images={"seldon": OUR_IMAGE, "v2": OUR_IMAGE},
        files={"seldon": files, "v2": files},
        parameters=parameters or {},
        local_class=path,
        is_prepackaged=False,
        env={"MODEL_NAME": path, "SERVICE_TYPE": "MODEL"},
    )


OUR_SERVERS = (
    _ours("LIGHTGBM_SERVER", "lightgbm.LightGBMServer", ("model.txt",)),
    _ours("CATBOOST_SERVER", "catboost.CatBoostServer", ("model.cbm",), {"method": ""}),
    # TorchScript, then what torch.export writes.
    _ours("PYTORCH_SERVER", "pytorch.PyTorchServer", ("model.pt", "model.pt2")),
    _ours("ONNX_SERVER", "onnx.ONNXServer", ("model.onnx",)),
    # The last two are a TensorFlow SavedModel, bare or in a version's folder.
    _ours(
        "KERAS_SERVER",
        "keras.KerasServer",
        ("model.keras", "model.h5", "saved_model.pb", "1/saved_model.pb"),
    ),
)
