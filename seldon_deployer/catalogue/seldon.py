"""Seldon's own servers: the operator's `predictor_servers`.

Source: Seldon Core v1.17.1, the operator's ConfigMap and the servers' own folders.
"""

from __future__ import annotations

from seldon_deployer.catalogue.server import Server

# What the images of MLServer 1.3.5 hold was never published. They were built on 6 July 2023, so
# nothing in them is newer than what was out on that day. numpy in Seldon's own images of 1.17.1 is
# bounded in the same way: 17 August 2023.
_MLSERVER_NEWEST = {"scikit-learn": "<=1.3.0", "xgboost": "<=1.7.6", "numpy": "<=1.25.0"}


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
        formats=("pickle",),
        versions={
            "seldon": {"scikit-learn": "0.24.2", "numpy": "<=1.25.2"},
            "v2": {name: _MLSERVER_NEWEST[name] for name in ("scikit-learn", "numpy")},
        },
        parameters={"method": "predict_proba"},
        local_class="seldon_deployer.server.sklearn.SKLearnServer",
        libraries=("scikit-learn",),
    ),
    Server(
        "XGBOOST_SERVER",
        images={"seldon": "seldonio/xgboostserver:1.17.1", "v2": _mlserver("xgboost")},
        files={"seldon": ("model.bst",), "v2": ("model.bst", "model.json", "model.ubj")},
        formats=("json", "ubj", "binary"),
        versions={
            "seldon": {"xgboost": "1.4.2"},
            "v2": {"xgboost": _MLSERVER_NEWEST["xgboost"]},
        },
        local_class="seldon_deployer.server.xgboost.XGBoostServer",
        libraries=("xgboost",),
    ),
    Server(
        "MLFLOW_SERVER",
        images={"seldon": "seldonio/mlflowserver:1.17.1", "v2": _mlserver("mlflow")},
        files={"seldon": ("MLmodel",), "v2": ("MLmodel",)},
        formats=("mlflow",),
        parameters={"xtype": "ndarray"},
        local_class="seldon_deployer.server.mlflow.MLflowServer",
        libraries=("mlflow-skinny", "pandas"),
    ),
    Server(
        "TENSORFLOW_SERVER",
        images={
            "seldon": "seldonio/tfserving-proxy:1.17.1",
            "tensorflow": "tensorflow/serving:2.1.0",
        },
        formats=("savedmodel",),
        versions={"seldon": {"tensorflow": "2.1.0"}, "tensorflow": {"tensorflow": "2.1.0"}},
        parameters={
            "signature_name": "",
            "model_name": "",
            "model_input": "",
            "model_output": "",
            "rest_endpoint": "",
            "grpc_endpoint": "",
        },
        local_class="seldon_deployer.server.tensorflow.TensorFlowServer",
        libraries=("tensorflow-cpu",),
    ),
    Server(
        "TRITON_SERVER",
        images={"v2": "nvcr.io/nvidia/tritonserver:21.08-py3"},
        formats=("triton",),
        # NVIDIA's release notes for 21.08; ONNX Runtime 1.8.1 reads these of ONNX at most.
        versions={"v2": {"onnx opset": "<=14", "onnx ir": "<=7", "tensorflow": "<=2.5.0"}},
        local_class="seldon_deployer.server.triton.TritonServer",
        # Each for one of its backends.
        libraries=("onnxruntime", "torch", "tensorflow-cpu"),
    ),
    Server(
        "HUGGINGFACE_SERVER",
        images={"v2": _mlserver("huggingface")},
        formats=("huggingface",),
        parameters={
            "task": "",
            "task_suffix": "",
            "pretrained_model": "",
            "pretrained_tokenizer": "",
            "framework": "",
            "optimum_model": "false",
            "device": "-1",
            "inter_op_threads": "",
            "intra_op_threads": "",
        },
        # Source: MLServer 1.3.5, its Hugging Face runtime: it reads no address of a model, and
        # without a task it does not start.
        model_parameter="pretrained_model",
        needed=("task",),
        local_class="seldon_deployer.server.huggingface.HuggingFaceServer",
        libraries=("transformers", "torch"),
        needs_model=False,
    ),
    Server("TEMPO_SERVER", images={"v2": _mlserver("slim")}),
)
