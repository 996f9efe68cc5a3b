"""Turning a model into another format, one module per kind of framework.

Each converter writes below a draft folder that appears whole or not at all (`layout`). Most need
the model's own framework, which is imported on use. Those that must load a pickle do so through
`loading`, only for artifacts of the user's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from seldon_deployer.artifacts.layouts import boosters, keras, pytorch, triton
from seldon_deployer.artifacts.layouts.source import Source

# (source, draft folder, where the server wants it below) -> writes the converted model.
Convert = Callable[[Source, Path, str], None]

# (framework, format wanted) -> how.
CONVERTERS: Mapping[tuple[str, str], Convert] = {
    ("catboost", "cbm"): boosters.convert_catboost,
    ("keras", "keras"): keras.save_pickled,
    ("keras", "savedmodel"): keras.export_saved_model,
    ("lightgbm", "text"): boosters.convert_lightgbm,
    ("onnx", "triton"): triton.lay_out_onnx,
    ("pytorch", "torchscript"): pytorch.script_module,
    ("pytorch", "triton"): triton.lay_out_torchscript,
    ("tensorflow", "triton"): triton.lay_out_saved_model,
    ("xgboost", "json"): boosters.convert_xgboost,
    ("xgboost", "ubj"): boosters.convert_xgboost,
}

__all__ = ["CONVERTERS", "Convert", "Source"]
