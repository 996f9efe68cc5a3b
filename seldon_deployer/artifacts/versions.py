"""Library versions: what a model was trained with, against what serves it. Rules as data.

Those of XGBoost were tried, with 1.4 to 3.2 each reading what all the others wrote, and that of
Keras; the rest is what the libraries say of themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

Version = tuple[int, ...]


class Effect(IntEnum):
    """What a difference of versions does, from harmless to fatal."""

    NONE = 0
    MAY_FAIL = 1
    UNSUPPORTED = 2  # it may load, but nobody promises so
    WRONG = 3  # it loads, and predicts something else
    FAILS = 4


@dataclass(frozen=True, slots=True)
class Rule:
    """A difference that matters.

    applies: (trained, served) -> whether. formats: of the file, "" where it is not known; none
    for any.
    """

    library: str
    applies: Callable[[Version, Version], bool]
    effect: Effect
    why: str
    formats: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The worst that the rules say, and each reason."""

    effect: Effect
    reasons: tuple[str, ...] = ()


_TEXT = frozenset({"json", "ubj", ""})

RULES: tuple[Rule, ...] = (
    Rule(
        "scikit-learn",
        lambda trained, served: trained[:2] != served[:2],
        Effect.MAY_FAIL,
        "its pickles are good for the version that wrote them only",
    ),
    Rule(
        "numpy",
        lambda trained, served: trained >= (2,) and served < (1, 26),
        Effect.FAILS,
        "pickles of numpy 2 name modules that it lacks before 1.26",
    ),
    Rule(
        "xgboost",
        lambda trained, served: trained >= (3, 1) and served < (1, 6),
        Effect.FAILS,
        "it cannot read what 3.1 and later write",
    ),
    Rule(
        "xgboost",
        lambda trained, served: trained >= (1, 6) and served < (1, 6),
        Effect.FAILS,
        "before 1.6 it cannot read the JSON and UBJSON that later versions write",
        formats=_TEXT,
    ),
    Rule(
        "xgboost",
        lambda trained, served: trained >= (3, 1) and (1, 6) <= served < (3, 1),
        Effect.WRONG,
        "before 3.1 it loads such models but leaves out their base score",
    ),
    Rule(
        "xgboost",
        lambda _, served: served >= (3, 1),
        Effect.FAILS,
        "since 3.1 it no longer reads the old binary format",
        formats=frozenset({"binary"}),
    ),
    Rule(
        "tensorflow",
        lambda trained, served: trained[:2] > served[:2],
        Effect.UNSUPPORTED,
        "it is promised to read models of earlier versions only",
    ),
    # Tried: Keras 2.21 with what 3.15 wrote, as .keras and as HDF5.
    Rule(
        "keras",
        lambda trained, served: trained >= (3,) and served < (3,),
        Effect.FAILS,
        "Keras 2 cannot read what Keras 3 writes",
    ),
    # PyTorch's own warning in the documentation of torch.export.save.
    Rule(
        "torch",
        lambda trained, served: trained[:2] < served[:2],
        Effect.MAY_FAIL,
        "PyTorch does not promise to read exported programs of earlier versions",
        formats=frozenset({"export"}),
    ),
    Rule(
        "onnx opset",
        lambda trained, served: trained > served,
        Effect.FAILS,
        "its runtime has no operators of later sets",
    ),
    Rule(
        "onnx ir",
        lambda trained, served: trained > served,
        Effect.FAILS,
        "its runtime reads no later forms of the file",
    ),
)


def judge_versions(
    trained_with: Mapping[str, str], served_with: Mapping[str, str], file_format: str = ""
) -> Verdict:
    """What the rules say of a model's versions and a server's; library -> version each.

    A library that one side does not tell is not judged. `<=1.2` of the server stands for the
    newest that it can be.
    """
    effect, reasons = Effect.NONE, []
    for rule in RULES:
        trained, served = trained_with.get(rule.library), served_with.get(rule.library)
        if trained is None or served is None or (rule.formats and file_format not in rule.formats):
            continue
        if rule.applies(parse_version(trained), parse_version(served)):
            effect = max(effect, rule.effect)
            has = f"the server has {served}" if served[0].isdigit() else f"the server's is {served}"
            reasons.append(f"{rule.library} {trained} ({has}: {rule.why})")
    return Verdict(effect, tuple(dict.fromkeys(reasons)))


def version_warning(
    trained_with: Mapping[str, str],
    served_with: Mapping[str, str],
    *,
    server: str,
    file_format: str = "",
) -> str | None:
    """One sentence where training and serving differ in what matters, with what to do; else None.

    Both map library -> version. file_format: as `Prepared` has it, where it is known.
    """
    verdict = judge_versions(trained_with, served_with, file_format)
    if verdict.effect == Effect.NONE:
        return None
    what = {
        Effect.MAY_FAIL: "may fail to load it, or predict differently",
        Effect.UNSUPPORTED: "may not load it",
        Effect.WRONG: "loads it, but predicts something else",
        Effect.FAILS: "cannot load it",
    }[verdict.effect]
    return (
        f"the model was trained with {', '.join(verdict.reasons)}: {server} {what}. "
        "Train with the server's version, or serve it in an image that has yours: with a server "
        "of ours (such as OUR_SKLEARN_SERVER) or a python_class"
    )


def parse_version(text: str) -> Version:
    """The first numbers of a version, of one written `<=1.2` too."""
    return tuple(int(part) for part in re.findall(r"\d+", text.partition("+")[0])[:3])
