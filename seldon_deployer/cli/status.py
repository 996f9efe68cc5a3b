"""`seldon-deployer status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from seldon_deployer.cli.options import connect, connection_options, output_option
from seldon_deployer.cli.output import describe, write_details, write_json, write_table

if TYPE_CHECKING:
    from seldon_deployer.manifest.observation import Observation


@click.command()
@click.argument("name")
@connection_options
@output_option
def command(name: str, output: str, **options: Any) -> None:
    """Show one deployment: state, replicas, revision, pods, URL, and what is wrong with it."""
    from seldon_deployer.manifest.diagnosis import diagnose
    from seldon_deployer.manifest.readiness import NotYet, assess

    service = connect(options).get(name)
    observed = service.observe()
    verdict = assess(service.manifest, observed)
    diagnosis = diagnose(service.manifest, observed)
    facts = describe(service)
    facts["waiting_for"] = verdict.reason if isinstance(verdict, NotYet) else None
    facts["problem"] = None
    if diagnosis is not None:
        facts["problem"] = {
            "summary": diagnosis.summary,
            "why": diagnosis.why,
            "try": diagnosis.hint,
        }
    pods = [_describe_pod(pod) for pod in observed.pods]
    if output == "json":
        write_json({**facts, "pods": pods})
        return
    problem = facts.pop("problem")
    waiting_for = facts.pop("waiting_for")
    lines = {key.replace("_", " "): value for key, value in facts.items()}
    if waiting_for:
        lines["waiting for"] = waiting_for
    if problem:
        lines |= {"problem": problem["summary"], "why": problem["why"], "try": problem["try"]}
    elif operator_says(observed):
        lines["operator"] = operator_says(observed)
    write_details(lines)
    if pods:
        click.echo()
        heads = ("POD", "READY", "STATUS", "RESTARTS", "REVISION")
        write_table(heads, [[pod[head.lower()] for head in heads] for pod in pods])


def operator_says(observed: Observation) -> str:
    """What the operator says of a failure that nothing else explains."""
    return observed.description if observed.state == "Failed" else ""


def _describe_pod(pod: dict[str, Any]) -> dict[str, Any]:
    from seldon_deployer.manifest.observation import pod_revision

    status = pod.get("status") or {}
    containers = status.get("containerStatuses") or []
    every = [*(status.get("initContainerStatuses") or []), *containers]
    reasons = [
        state["reason"]
        for each in every
        for kind, state in (each.get("state") or {}).items()
        if kind != "running" and state.get("reason") not in (None, "Completed", "PodInitializing")
    ]
    phase = "Terminating" if pod["metadata"].get("deletionTimestamp") else status.get("phase")
    return {
        "pod": pod["metadata"]["name"],
        "ready": f"{sum(bool(each.get('ready')) for each in containers)}"
        f"/{len(pod['spec']['containers'])}",
        "status": reasons[0] if reasons else phase,
        "restarts": sum(int(each.get("restartCount") or 0) for each in every),
        "revision": pod_revision(pod),
    }
