"""Our errors in the words of ZenML: what to try, by what a ZenML user has at hand.

The core's hints name its command line's flags; a model deployer has options instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from seldon_deployer.errors import SeldonDeployerError

# Flag of our command line -> the same in ZenML; {name} is the model deployer's.
IN_ZENML = {
    "--runtime=local": "zenml model-deployer update {name} --runtime=local",
    "--context": "the model deployer's option kubernetes_context",
    "--namespace": "the model deployer's option kubernetes_namespace",
    "--base-url": "the model deployer's option base_url",
    "--preflight": "the model deployer's option preflight",
    "--server-image": "the model deployer's option server_image",
    "--timeout": "the step's timeout",
    # ZenML has no word for these.
    "--adopt": "`seldon-deployer deploy --adopt`",
    "--force": "`seldon-deployer deploy --force`",
}
# What stands in backquotes is a command already.
_FLAG = re.compile(r"`[^`]*`|--[a-z][a-z-]*(?:=local)?")


@contextmanager
def told_in_zenml_words(name: str) -> Iterator[None]:
    """Change the hint of an error on its way out; `name` is the model deployer's."""
    try:
        yield
    except SeldonDeployerError as error:
        error.hint = in_zenml_words(error.hint, name)
        raise


def in_zenml_words(hint: str, name: str) -> str:
    """The same hint, with what ZenML has in the place of our flags."""
    return _FLAG.sub(lambda found: IN_ZENML.get(found[0], found[0]).format(name=name), hint)
