"""Register the flavor in the active ZenML store."""

from __future__ import annotations

import logging
from typing import Literal

FLAVOR_SOURCE = "seldon_deployer.zenml_plugin.flavor.SeldonModelDeployerFlavor"

logger = logging.getLogger(__name__)

Outcome = Literal["registered", "updated", "unchanged"]


def register_flavor() -> Outcome:
    """Register the flavor, or bring an older registration up to date; safe to repeat.

    ZenML finds no flavors by itself: it has no entry points for them.
    """
    from zenml.client import Client
    from zenml.enums import StackComponentType
    from zenml.models import FlavorUpdate

    from seldon_deployer.zenml_plugin.flavor import FLAVOR_NAME, SeldonModelDeployerFlavor

    client = Client()
    known = client.list_flavors(
        name=FLAVOR_NAME, type=StackComponentType.MODEL_DEPLOYER.value, hydrate=True
    ).items
    if not known:
        client.create_flavor(source=FLAVOR_SOURCE, component_type=StackComponentType.MODEL_DEPLOYER)
        logger.info("registered the flavor %s", FLAVOR_NAME)
        return "registered"
    flavor = known[0]
    schema = SeldonModelDeployerFlavor().config_schema
    if flavor.source == FLAVOR_SOURCE and flavor.config_schema == schema:
        return "unchanged"
    # A new version of this package may know more options than the stored schema.
    client.zen_store.update_flavor(
        flavor.id, FlavorUpdate(source=FLAVOR_SOURCE, config_schema=schema)
    )
    logger.info("updated the flavor %s", FLAVOR_NAME)
    return "updated"
