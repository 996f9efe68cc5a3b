"""`seldon-deployer image ...`."""

from __future__ import annotations

from seldon_deployer.cli.commands import LazyGroup

command = LazyGroup(
    "image",
    {"context": ("image_context", "Write what a builder needs for an image that serves.")},
    help="Make images for code of your own, and for servers of ours.",
)
