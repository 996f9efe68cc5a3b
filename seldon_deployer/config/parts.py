"""The models of a configuration, each as a configuration of its own: what has to be found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from seldon_deployer import naming
from seldon_deployer.config.deployment import DeploymentConfig
from seldon_deployer.graph import Unit, units


class Part(NamedTuple):
    """One unit of one predictor."""

    predictor: str
    unit: str


def predictor_configs(config: DeploymentConfig) -> Iterator[tuple[str, DeploymentConfig]]:
    """The default predictor and those beside it, each with its name and as if it were alone."""
    yield naming.DEFAULT_PREDICTOR, config
    for predictor in config.predictors:
        yield predictor.name, config.of_predictor(predictor)


def served_units(config: DeploymentConfig) -> Iterator[tuple[Part, DeploymentConfig | Unit]]:
    """Every unit that serves something, with what says where its model is and what reads it."""
    for name, alone in predictor_configs(config):
        if alone.graph is None:
            yield Part(name, config.name), alone
        else:
            yield from ((Part(name, unit.name), unit) for unit in units(alone.graph))


def parts(config: DeploymentConfig) -> dict[Part, DeploymentConfig]:
    """Every unit that serves something, with the configuration by which its model is found."""
    found: dict[Part, DeploymentConfig] = {}
    for name, alone in predictor_configs(config):
        if alone.graph is None:
            found[Part(name, config.name)] = alone
            continue
        for unit in units(alone.graph):
            found[Part(name, unit.name)] = _of_unit(alone, unit)
    return found


def _of_unit(config: DeploymentConfig, unit: Unit) -> DeploymentConfig:
    """A unit as a model of its own; what it is called there is its own name."""
    return DeploymentConfig(
        model_name=unit.name,
        model_uri=unit.model_uri,
        implementation=getattr(unit, "implementation", None),
        python_class=unit.python_class,
        code_path=unit.code_path,
        image=unit.image,
        parameters=dict(unit.parameters),
        protocol=config.protocol,
        volumes=config.volumes,
        volume_mounts=config.volume_mounts,
        secret_name=unit.secret_name or config.secret_name,
        service_account_name=unit.service_account_name or config.service_account_name,
    )
