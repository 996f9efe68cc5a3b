"""The model server: one unit of an inference graph as a process of its own.

`python -m seldon_deployer.server [MODULE.Class]`; configured by the environment that Seldon gives
to a unit. A class of one's own needs `predict(X, names, meta=None)`; it may raise `UnitError` to
choose the HTTP status and the reason of an answer.
"""

from seldon_deployer.server.component import UnitError

__all__ = ["UnitError"]
