"""The model server: one unit of an inference graph as a process of its own.

`python -m seldon_deployer.server [MODULE.Class]`; configured by the environment that Seldon gives
to a unit. A class of one's own needs the method of its service type: `predict(X, names, meta=None)`
of a model, `transform_input`, `transform_output`, `route` or `aggregate` of other units; it may
raise `UnitError` to choose the HTTP status and the reason of an answer. Models that a framework's
own library saved are served by a class of ours, one module per framework.
"""

from seldon_deployer.server.component import UnitError

__all__ = ["UnitError"]
