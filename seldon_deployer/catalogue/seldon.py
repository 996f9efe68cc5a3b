"""Seldon's own servers: the operator's `predictor_servers`.

Source: Seldon Core v1.17.1, the operator's ConfigMap and the servers' own folders.
"""

from __future__ import annotations

from seldon_deployer.catalogue.server import Server


def _mlserver(kind: str) -> str:
    return f"seldonio/mlserver:1.3.5-{kind}"


SELDON_SERVERS = (
    Server(
        "SKLEARN_SERVER",
        images={"seldon": "seldonio/sklearnserver:1.17.1", "v2": _mlserver("sklearn")},
        files={
            "seldon": ("model.joblib",),
            "v2": ("model.joblib", "model.pickle", "model.pkl"),
        },
        versions={"seldon": {"scikit-learn": "0.24.2"}},
        parameters={"method": "predict_proba"},
        local_class="seldon_deployer.server.sklearn.SKLearnServer",
    ),
    Server(
        "XGBOOST_SERVER",
        images={"seldon": "seldonio/xgboostserver:1.17.1", "v2": _mlserver("xgboost")},
        files={"seldon": ("model.bst",), "v2": ("model.bst", "model.json", "model.ubj")},
        versions={"seldon": {"xgboost": "1.4.2"}},
        local_class="seldon_deployer.server.xgboost.XGBoostServer",
    ),
    Server(
        "MLFLOW_SERVER",
        images={"seldon": "seldonio/mlflowserver:1.17.1", "v2": _mlserver("mlflow")},
        files={"seldon": ("MLmodel",), "v2": ("MLmodel",)},
        parameters={"xtype": "ndarray"},
        local_class="seldon_deployer.server.mlflow.MLflowServer",
    ),
    Server(
        "TENSORFLOW_SERVER",
        images={
            "seldon": "seldonio/tfserving-proxy:1.17.1",
            "tensorflow": "tensorflow/serving:2.1.0",
        },
        parameters={
            "signature_name": "",
            "model_name": "",
            "model_input": "",
            "model_output": "",
        },
    ),
    Server("TRITON_SERVER", images={"v2": "nvcr.io/nvidia/tritonserver:21.08-py3"}),
    Server("HUGGINGFACE_SERVER", images={"v2": _mlserver("huggingface")}, needs_model=False),
    Server("TEMPO_SERVER", images={"v2": _mlserver("slim")}),
)
