"""What a listing of files holds, and which server reads it.

The names are asked first; where they do not tell, the first bytes of a file, through `read`, so
that a model in a store is found without a download. Nothing is ever loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import PurePosixPath

from seldon_deployer.artifacts.content import HEAD_BYTES, data_inside, is_sure, look_inside
from seldon_deployer.artifacts.frameworks import data_of
from seldon_deployer.artifacts.names import (
    UNREAD,
    Candidate,
    find_data,
    find_deeper,
    find_files,
    find_tree,
)
from seldon_deployer.artifacts.plans import (
    NOTHING_KNOWN,
    Needs,
    Plan,
    check_servable,
    choose_server,
    explain_choice,
    find_plan,
)
from seldon_deployer.artifacts.pretrained_task import find_task
from seldon_deployer.artifacts.record import NO_RECORD, ArtifactRecord
from seldon_deployer.artifacts.whole import can_tell_by_head, check_head
from seldon_deployer.catalogue import Server, find_server
from seldon_deployer.errors import ArtifactError

SKLEARN_SERVER = "SKLEARN_SERVER"
# What this server reads, whatever the protocol.
MODEL_FILE = "model.joblib"

# The first bytes of a file of the listing: (path, at most so many) -> bytes.
Read = Callable[[str, int], bytes]

# How training and ZenML call a model's file, whatever its ending.
_USUAL_STEMS = frozenset({"artifact", "entire_model", "model"})

_SHOWN = 8
# Of files whose names do not tell so many are looked into: in a store each look is a request.
MOST_LOOKS = 16


@dataclass(frozen=True, slots=True)
class Detected:
    """The model in a listing.

    file: its path within the listing; of a tree of folders the file that tells.
    framework: "pickle" where nobody looked inside. fits: whether the server reads it where and as
    it is. target: where its server wants it. converted_to: the format it must be turned into.
    reason: why a server of Seldon's was passed over, if one was. parameters: what the model tells
    of those without which its server does not start.
    """

    framework: str
    file: str
    implementation: str | None
    fits: bool
    format: str = ""
    target: str = ""
    converted_to: str | None = None
    reason: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


def detect(
    files: Iterable[str],
    *,
    protocol: str = "seldon",
    implementation: str | None = None,
    record: ArtifactRecord = NO_RECORD,
    read: Read | None = None,
    is_local: bool = True,
    needs: Needs = NOTHING_KNOWN,
    sizes: Mapping[str, int] | None = None,
) -> Detected:
    """Find the model among `files` (paths relative to the artifact's folder) and its server.

    A server's own file wins over any other. record: what a pipeline noted of the artifact.
    read: gives the first bytes of a file. is_local: whether the embedded runtime will serve it.
    needs: what is known of the model's libraries, to choose between servers.
    sizes: of the files in bytes, where the listing has them: of many files the large ones are
    looked into first, and a model of which a part is missing is an error here already.
    Raises ArtifactError that lists what was seen, when there is no model, more than one, or one
    that nothing can serve; ConfigError for an unknown implementation.
    """
    seen = sorted(name for name in files if not PurePosixPath(name).name.startswith("."))
    server = find_server(implementation) if implementation else None
    if not seen:
        raise ArtifactError(
            "the artifact holds no model",
            why="its folder is empty",
            hint="check model_uri; a wrong path may exist and be empty",
        )
    look = _Look(read, sizes or {})
    model = _find_model(seen, server, protocol, record, look)
    look.check_whole(model)
    if server is None and model.framework is None:
        return _undecided(model, protocol)
    reason = ""
    if server is None:
        needs = replace(needs, trained_with={**record.versions, **needs.trained_with})
        server = choose_server(model, protocol=protocol, is_local=is_local, needs=needs)
        if not is_local:
            reason = explain_choice(model, server, protocol=protocol, needs=needs)
    plan = find_plan(model, server, protocol)
    if plan is None:
        check_servable(model)
        raise _not_for(server, protocol, seen)
    return replace(_detected(model, plan, reason), parameters=look.at_needs(model, server))


@dataclass(frozen=True, slots=True)
class _Look:
    """How files are looked into: a few, the likeliest first."""

    read: Read | None
    sizes: Mapping[str, int]

    def at(self, named: Sequence[Candidate]) -> tuple[list[Candidate], int]:
        """Those that are models as far as the first bytes tell, and how many were not looked at."""
        if self.read is None:
            return list(named), 0
        looked = sorted(named, key=self._likeliness)[:MOST_LOOKS]
        found = {each.file: look_inside(each, self._head(each.file)) for each in looked}
        models = [found.get(each.file) for each in named]
        left = [each for each in named if each.file not in found and is_sure(each)]
        kept = [each for each in models if each is not None]
        return kept + left, len(named) - len(looked) - len(left)

    def check_whole(self, model: Candidate) -> None:
        """Raise ArtifactError where the model's first bytes promise more than its size."""
        size = self.sizes.get(model.file)
        if size is None:
            return
        head = b""
        if self.read is not None and can_tell_by_head(model.format) and size:
            head = self._head(model.file)
        check_head(model.file, model.format, head, size)

    def at_needs(self, model: Candidate, server: Server) -> dict[str, str]:
        """What the model's own file tells of the parameters that its server needs."""
        if model.format != "huggingface" or "task" not in server.needed:
            return {}
        task = find_task(self._head(model.file))
        return {"task": task} if task else {}

    def _head(self, file: str) -> bytes:
        return b"" if self.read is None else self.read(file, HEAD_BYTES)

    def _likeliness(self, candidate: Candidate) -> tuple[bool, bool, bool, int, str]:
        """What sorts first: names that servers look for, names of models, large files."""
        file = candidate.file
        stem = file.partition(".")[0]
        return (
            not (stem in _USUAL_STEMS and "." in file),
            candidate.framework is None and candidate.format == UNREAD,
            not is_sure(candidate),
            -self.sizes.get(file, 0),
            file,
        )


def _find_model(
    seen: Sequence[str],
    server: Server | None,
    protocol: str,
    record: ArtifactRecord,
    look: _Look,
) -> Candidate:
    if (tree := find_tree(seen)) is not None:
        return tree
    named = list(find_files(seen, is_readable=look.read is not None))
    if server is not None:
        wanted = server.files.get(protocol, ())
        named = [each for each in named if each.file in wanted] or named
    candidates, left = look.at(named)
    if server is not None:
        # Who names a server is taken at their word: what looks like data may predict.
        pickles = [each for each in named if each.format == "pickle"]
        return _for_server(server, protocol, seen, candidates or pickles)
    if left and not candidates:
        raise _too_many(named, left)
    if not candidates:
        raise _no_model(seen, record, look.read)
    if record.framework is not None:
        fitting = [each for each in candidates if each.framework in (record.framework, None)]
        candidates = fitting or candidates
        candidates = [
            Candidate(each.framework or record.framework, each.format, each.file)
            for each in candidates
        ]
    return _only_one(candidates, protocol)


def _for_server(
    server: Server, protocol: str, seen: Sequence[str], candidates: Sequence[Candidate]
) -> Candidate:
    """The model for a server that was named; its own file, else the one that it can be given."""
    by_file = {each.file: each for each in candidates}
    for name in server.files.get(protocol, ()):
        if name in by_file:
            return by_file[name]
        if name in seen:
            return Candidate(None, UNREAD, name)
    if not server.formats and not server.files.get(protocol):
        return candidates[0] if candidates else Candidate(None, UNREAD, seen[0])
    fitting = [each for each in candidates if find_plan(each, server, protocol) is not None]
    if not fitting and len(candidates) == 1:
        check_servable(candidates[0])
    if not fitting:
        raise _not_for(server, protocol, seen)
    if len(fitting) > 1:
        raise _several(fitting, server.files.get(protocol, (MODEL_FILE,))[0])
    return fitting[0]


def _only_one(candidates: Sequence[Candidate], protocol: str) -> Candidate:
    """The one model: of several of a framework, the first that its server looks for."""
    if len({each.framework for each in candidates}) == 1 and len(candidates) > 1:
        framework = candidates[0].framework
        server = _default_of(framework, protocol)
        by_file = {each.file: each for each in candidates}
        for name in server.files.get(protocol, ()) if server else ():
            if name in by_file:
                return by_file[name]
    if len(candidates) > 1:
        raise _several(candidates, MODEL_FILE)
    return candidates[0]


def _default_of(framework: str | None, protocol: str) -> Server | None:
    if framework is None:
        return find_server(SKLEARN_SERVER)
    any_format = Candidate(framework, "", "")
    return choose_server(any_format, protocol=protocol, is_local=True)


def _undecided(model: Candidate, protocol: str) -> Detected:
    """A pickle that nobody looked into; only the name of scikit-learn's server decides it."""
    names = find_server(SKLEARN_SERVER).files.get(protocol, ())
    if model.file in names:
        return Detected(
            "sklearn", model.file, SKLEARN_SERVER, fits=True, format=model.format, target=model.file
        )
    return Detected("pickle", model.file, None, fits=False, format=model.format)


def _detected(model: Candidate, plan: Plan, reason: str) -> Detected:
    server = plan.server
    return Detected(
        framework=model.framework or server.name.removesuffix("_SERVER").lower(),
        file=model.file,
        implementation=server.name,
        fits=plan.fits(model.file),
        format=model.format,
        target=plan.target,
        converted_to=plan.converted_to,
        reason=reason,
    )


def _too_many(named: Sequence[Candidate], left: int) -> ArtifactError:
    return ArtifactError(
        "the artifact holds too many files to find the model among them",
        why=f"{len(named)} may be one by their names, and {left} of them were not looked into: "
        f"{_list([each.file for each in named])}",
        hint="name the model as its server does (model.joblib, model.json), set implementation, "
        "or end model_uri with the model's own file",
    )


def _several(candidates: Sequence[Candidate], name: str) -> ArtifactError:
    return ArtifactError(
        "the artifact holds more than one model",
        why=f"found {_list([each.file for each in candidates])}",
        hint=f"leave one, name the right one as its server does ({name}), or set implementation",
    )


def _not_for(server: Server, protocol: str, seen: Sequence[str]) -> ArtifactError:
    wanted = " or ".join(server.files.get(protocol, ())) or f"{', '.join(server.formats)} models"
    return ArtifactError(
        f"the artifact is none that {server.name} reads",
        why=f"it wants {wanted}; found {_list(seen)}",
        hint="save the model under that name, or choose another implementation",
    )


def _no_model(seen: Sequence[str], record: ArtifactRecord, read: Read | None) -> ArtifactError:
    kind = data_of(record.data_type or "") or find_data(seen) or _pickled_data(seen, read)
    hint = "give the artifact of the trained model, or set implementation"
    if not kind and (deeper := find_deeper(seen)):
        hint = f"models seem to lie deeper: end model_uri with the folder of one: {_list(deeper)}"
    return ArtifactError(
        f"the artifact is {kind}, no model" if kind else "the artifact holds no model",
        why=f"found {_list(seen)}",
        hint=hint,
    )


def _pickled_data(seen: Sequence[str], read: Read | None) -> str | None:
    """What a pickle holds that is no model."""
    pickles = (each.file for each in find_files(seen, is_readable=False) if each.format == "pickle")
    few = islice(pickles, MOST_LOOKS)
    kinds = (data_inside(read(file, HEAD_BYTES)) for file in few if read is not None)
    return next((kind for kind in kinds if kind), None)


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown
