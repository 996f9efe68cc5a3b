"""The image that serves the user's code, or a model by a server of ours: as a folder for a builder.

Decided here and built elsewhere: no container engine is asked.
"""

from seldon_deployer.image.context import ImageRequest, build_context, write_context

__all__ = ["ImageRequest", "build_context", "write_context"]
