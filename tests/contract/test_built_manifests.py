"""Everything that a configuration can say becomes a manifest that both ends take whole.

On the real API server it is Seldon's own CRD that takes it, and Kubernetes itself the pods, the
autoscalers and the budgets that Seldon's operator would make of it.
"""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from client import Client

from seldon_deployer.config import DeploymentConfig, parse_config
from seldon_deployer.graph import ABTest, Combiner, Model, OutputTransformer, Router, Transformer
from seldon_deployer.manifest.build import build_manifest, needs_orchestrator
from seldon_deployer.manifest.defaulting import PODINFO_VOLUME, apply_defaults
from seldon_deployer.manifest.graph import predictors
from seldon_deployer.manifest.kind import PLURAL
from seldon_deployer.manifest.verdict import judge

Object = dict[str, Any]

MODEL = {
    "model_name": "iris",
    "model_uri": "s3://models/iris",
    "implementation": "SKLEARN_SERVER",
}
CLAIM = {"name": "models", "persistentVolumeClaim": {"claimName": "models"}}
MOUNT = {"name": "models", "mountPath": "/mnt/models", "readOnly": True}
SIZES = {"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
TERM = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
PICKED = {"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": "zone"}
FOREST = Model("forest", model_uri="s3://m/f", implementation="SKLEARN_SERVER")
SVM = Model("svm", model_uri="s3://m/s", implementation="XGBOOST_SERVER")
ALONE = Model(
    "alone",
    model_uri="s3://m/a",
    implementation="LIGHTGBM_SERVER",
    own_pod=True,
    hpa={"max_replicas": 3, "cpu_percent": 70},
    resources=SIZES,
)

# One for each group of fields.
CONFIGS: dict[str, Object] = {
    "server": MODEL,
    "server of ours": {**MODEL, "implementation": "CATBOOST_SERVER"},
    "server with v2": {**MODEL, "protocol": "v2"},
    "image": {"model_name": "iris", "image": "mine:1"},
    "image with a model": {"model_name": "iris", "image": "mine:1", "model_uri": "gs://b/m"},
    "function": {"model_name": "iris", "python_class": "iris.Model", "image": "mine:1"},
    "parameters of a server": {**MODEL, "parameters": {"method": "predict"}},
    "parameters": {
        "model_name": "iris",
        "image": "mine:1",
        "parameters": {"method": "predict", "n": 3, "x": 0.5, "on": True},
    },
    "resources": {**MODEL, "resources": SIZES},
    "gpu": {**MODEL, "gpus": 1, "resources": SIZES},
    "environment": {
        **MODEL,
        "env": {"LEVEL": "1"},
        "env_from_secrets": {"PASSWORD": "db/password", "TOKEN": {"secret": "t", "key": "k"}},
    },
    "environment of Kubernetes": {
        **MODEL,
        "env": [
            {"name": "LEVEL", "value": "1"},
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "t", "key": "k"}}},
        ],
    },
    "scheduling": {
        **MODEL,
        "nodeSelector": {"zone": "a"},
        "tolerations": [
            {"key": "gpu", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}
        ],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [TERM]}
            },
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {"weight": 1, "podAffinityTerm": PICKED}
                ]
            },
        },
    },
    "account and registries": {
        **MODEL,
        "service_account_name": "reader",
        "secret_name": "creds",
        "image_pull_secrets": ["registry", {"name": "other"}],
        "storage_initializer_image": "mine/rclone:1",
    },
    "account of a pod without a model": {
        "model_name": "iris",
        "image": "mine:1",
        "service_account_name": "reader",
    },
    "volumes": {
        **MODEL,
        "volumes": [CLAIM, {"name": "cache", "emptyDir": {"sizeLimit": "1Gi"}}],
        "volume_mounts": [
            {**MOUNT, "mountPath": "/data", "subPath": "iris"},
            {"name": "cache", "mountPath": "/cache"},
        ],
    },
    "model on a volume": {
        **MODEL,
        "model_uri": "/mnt/models/iris",
        "volumes": [CLAIM],
        "volume_mounts": [MOUNT],
    },
    "model on a volume with v2": {
        **MODEL,
        "protocol": "v2",
        "model_uri": "/mnt/models/iris",
        "volumes": [CLAIM],
        "volume_mounts": [MOUNT],
    },
    "probes": {
        **MODEL,
        "livenessProbe": {"tcpSocket": {"port": "http"}, "initialDelaySeconds": 5},
        "readinessProbe": {
            "httpGet": {"path": "/up", "port": 9000, "httpHeaders": [{"name": "A", "value": "b"}]}
        },
        "startupProbe": {"exec": {"command": ["true"]}, "failureThreshold": 60},
    },
    "pods": {
        **MODEL,
        "pod_labels": {"team": "blue"},
        "pod_annotations": {"sidecar.istio.io/inject": "false"},
        "termination_grace_period_seconds": 0,
        "progress_deadline_seconds": 60,
    },
    "hpa": {**MODEL, "hpa": {"minReplicas": 2, "maxReplicas": 5, "cpu_percent": 70}}
    | {"resources": SIZES},
    "hpa by other metrics": {
        **MODEL,
        "hpa": {
            "max_replicas": 5,
            "metrics": [
                {
                    "type": "Pods",
                    "pods": {
                        "metric": {"name": "queue"},
                        "target": {"type": "AverageValue", "averageValue": "10"},
                    },
                }
            ],
        },
    },
    "keda": {
        **MODEL,
        "keda": {
            "minReplicaCount": 1,
            "maxReplicaCount": 5,
            "pollingInterval": 15,
            "cooldownPeriod": 60,
            "idleReplicaCount": 0,
            "triggers": [
                {
                    "type": "prometheus",
                    "metadata": {"serverAddress": "http://p:9090", "query": "q", "threshold": "1"},
                    "authenticationRef": {"name": "p"},
                }
            ],
            "fallback": {"failureThreshold": 3, "replicas": 2},
            "advanced": {"restoreToOriginalReplicaCount": True},
        },
    },
    "budget": {**MODEL, "replicas": 3, "pdb": {"minAvailable": "50%"}},
    "orchestrator": {
        **MODEL,
        "orchestrator": "always",
        "svcOrchSpec": {
            "resources": SIZES,
            "env": [{"name": "SELDON_LOG_LEVEL", "value": "DEBUG"}],
        },
    },
    "orchestrator in a pod of its own": {
        **MODEL,
        "orchestrator": "separate",
        "svc_orch_spec": {"replicas": 2, "env_from_secrets": {"A": "s/k"}},
    },
    "logger": {**MODEL, "logger": {"mode": "request", "url": "http://broker.logging"}},
    "explainer": {
        **MODEL,
        "secret_name": "creds",
        "explainer": {
            "type": "AnchorTabular",
            "model_uri": "s3://models/explainer",
            "config": {"threshold": "0.9"},
            "replicas": 1,
            "initParameters": '{"a": 1}',
            "containerSpec": {"name": "explainer", "resources": SIZES},
        },
    },
    "tls": {**MODEL, "ssl": {"certSecretName": "cert"}},
    "annotations and labels": {
        **MODEL,
        "annotations": {"team": "blue", "seldon.io/rest-timeout": "5000"},
        "labels": {"team": "blue"},
    },
    "canary": {
        **MODEL,
        "replicas": 2,
        "predictors": [
            {"name": "canary", "traffic": 10, "model_uri": "s3://models/2", "replicas": 1}
        ],
    },
    "shadow": {
        **MODEL,
        "predictors": [{"name": "shadow", "shadow": True, "traffic": 50, "image": "mine:1"}],
    },
    "canary that scales": {
        **MODEL,
        "predictors": [
            {
                "name": "canary",
                "traffic": 10,
                "keda": {"triggers": [{"type": "cron", "metadata": {}}]},
            }
        ],
    },
    "overlay": {
        **MODEL,
        "overlay": {
            "spec": {
                "transport": "grpc",
                "predictors": [
                    {
                        "name": "default",
                        "labels": {"version": "v2"},
                        "componentSpecs": [
                            {
                                "spec": {
                                    "securityContext": {"fsGroup": 1},
                                    "containers": [
                                        {"name": "iris", "imagePullPolicy": "Always"},
                                        {"name": "sidecar", "image": "side:1"},
                                    ],
                                }
                            }
                        ],
                    }
                ],
            }
        },
    },
    "graph in one pod": {
        "model_name": "flowers",
        "graph": Transformer("scale", image="me/scale:1")
        >> Combiner("vote", [FOREST, SVM], image="me/vote:1")
        >> OutputTransformer("labels", image="me/labels:1"),
        "env": {"LEVEL": "1"},
        "resources": SIZES,
        "hpa": {"max_replicas": 4, "cpu_percent": 70},
    },
    "graph with a pod for each": {
        "model_name": "flowers",
        "graph": Router("choose", [FOREST, ALONE], image="me/choose:1"),
        "tolerations": [{"operator": "Exists"}],
    },
    "graph of an A/B test": {"model_name": "flowers", "graph": ABTest(FOREST, SVM, ratio=0.9)},
    "graph beside a model": {
        **MODEL,
        "predictors": [
            {
                "name": "graph",
                "traffic": 50,
                "graph": Transformer("scale", image="me/scale:1") >> FOREST,
            }
        ],
    },
}


def build(name: str, namespace: str) -> tuple[DeploymentConfig, Object]:
    config = parse_config(**CONFIGS[name])
    manifest = build_manifest(
        config,
        namespace=namespace,
        orchestrator=needs_orchestrator(config),
        uri=config.model_uri,
        implementation=config.implementation,
    )
    return config, manifest


@pytest.mark.parametrize("name", CONFIGS)
def test_an_api_server_takes_what_is_built_and_keeps_all_of_it(client, fresh_namespace, name):
    config, manifest = build(name, fresh_namespace)
    path = f"/apis/machinelearning.seldon.io/v1/namespaces/{fresh_namespace}/{PLURAL}/{config.name}"

    tried = client.apply(path, manifest, "seldon-deployer", dryRun="All", fieldValidation="Strict")
    assert tried.status == 201, tried
    assert client.get(path).status == 404
    applied = client.apply(path, manifest, "seldon-deployer", fieldValidation="Strict")

    assert applied.status == 201, applied
    assert applied.body["spec"] == tried.body["spec"] == manifest["spec"]
    again = client.apply(path, manifest, "seldon-deployer", fieldValidation="Strict")
    assert again.body["metadata"]["resourceVersion"] == applied.body["metadata"]["resourceVersion"]


@pytest.mark.parametrize("name", CONFIGS)
def test_what_is_built_passes_seldons_rules_and_our_advice(name):
    _, manifest = build(name, "models")

    verdict = judge(manifest)

    assert verdict.problems == []
    assert [each.rule for each in verdict.warnings] == []


@pytest.mark.cluster
@pytest.mark.parametrize("name", CONFIGS)
def test_kubernetes_takes_the_pods_and_autoscalers_that_are_made_of_it(real_end, name):
    _, manifest = build(name, "default")
    client = Client(real_end)
    try:
        for api_version, kind, plural, spec in made_of(manifest):
            metadata = {"name": f"m-{secrets.token_hex(4)}"}
            body = {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
            path = f"/apis/{api_version}/namespaces/default/{plural}"
            answer = client.post(path, body, dryRun="All", fieldValidation="Strict")
            assert answer.status == 201, answer
    finally:
        client.close()


def made_of(manifest: Object) -> list[tuple[str, str, str, Object]]:
    """(apiVersion, kind, plural, spec) of what the operator makes, pods as they are defaulted."""
    made: list[tuple[str, str, str, Object]] = []
    for predictor in predictors(apply_defaults(manifest, "default")):
        for component in predictor["componentSpecs"]:
            made += _of_component(component)
    return made


def _of_component(component: Object) -> list[tuple[str, str, str, Object]]:
    labels = {"app": "x"}
    pod = component["spec"]
    podinfo = {"name": PODINFO_VOLUME, "emptyDir": {}}
    metadata = component.get("metadata") or {}
    template = {
        "metadata": {**metadata, "labels": {**labels, **metadata.get("labels", {})}},
        "spec": {**pod, "volumes": [*pod.get("volumes", []), podinfo]},
    }
    spec = {"selector": {"matchLabels": labels}, "template": template}
    made = [("apps/v1", "Deployment", "deployments", spec)]
    if hpa := component.get("hpaSpec"):
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}
        scaler = {name: value for name, value in hpa.items() if name != "metricsv2"}
        scaler |= {"scaleTargetRef": target, "metrics": hpa["metricsv2"]}
        kind = "HorizontalPodAutoscaler"
        made.append(("autoscaling/v2", kind, "horizontalpodautoscalers", scaler))
    if pdb := component.get("pdbSpec"):
        made.append(("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", pdb))
    return made


@pytest.mark.parametrize("name", CONFIGS)
def test_a_configuration_reads_back_from_what_it_writes(name):
    config = parse_config(**CONFIGS[name])

    assert parse_config(**config.model_dump(mode="json", exclude_unset=True)) == config


def test_every_field_of_a_configuration_is_in_some_case():
    given = {name for each in CONFIGS.values() for name in parse_config(**each).model_fields_set}

    # A folder of this machine is for the embedded runtime alone.
    assert set(DeploymentConfig.model_fields) - given == {"code_path"}
