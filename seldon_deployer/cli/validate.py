"""`seldon-deployer validate`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seldon_deployer.cli.files import STDIN, read_text
from seldon_deployer.cli.output import write_json, write_table
from seldon_deployer.errors import UsageError

if TYPE_CHECKING:
    from seldon_deployer.manifest.advice import Advice
    from seldon_deployer.manifest.verdict import Verdict

_TEMPLATE_HINT = "a template is rendered first: helm template . | seldon-deployer validate -"
_SUFFIXES = (".yaml", ".yml", ".json")


def _show_rules(context: click.Context, _: click.Parameter, value: bool) -> None:
    if not value:
        return
    from seldon_deployer.manifest.advice import RULES

    rows = [(rule.name, rule.severity, rule.reason) for rule in RULES.values()]
    write_table(("RULE", "SEVERITY", "REASON"), rows)
    context.exit()


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--output",
    "-o",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of the result.",
)
@click.option("--ignore", multiple=True, metavar="RULE", help="Rule of advice to silence.")
@click.option(
    "--rules",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_rules,
    help="Show the rules of advice.",
)
def command(files: tuple[str, ...], output: str, ignore: tuple[str, ...]) -> int:
    """Judge manifests as Seldon would, and advise. Sends nothing.

    Reads YAML and JSON; a folder stands for its .yaml, .yml and .json files, - for stdin. Other
    resources are passed over. Exits 1 if any SeldonDeployment is invalid; warnings do not count.
    """
    from seldon_deployer.manifest.advice import RULES
    from seldon_deployer.manifest.documents import Unparsed, find_resources, read_documents
    from seldon_deployer.manifest.verdict import judge

    if unknown := [name for name in ignore if name not in RULES]:
        raise UsageError(f"there is no rule {unknown[0]!r}", hint="validate --rules lists them")
    results: list[dict[str, Any]] = []
    # All are read before any is judged: a name that is not there is no half answer.
    for file, text in [(file, _read(file, files)) for file in _expand(files)]:
        if isinstance(text, UsageError):
            results.append(_broken(file, "file", f"cannot be read: {text.why}"))
            continue
        for document in read_documents(text):
            if isinstance(document, Unparsed):
                hint = f" ({_TEMPLATE_HINT})" if document.is_template else ""
                results.append(_broken(file, f"line {document.line}", document.message + hint))
            else:
                results += (
                    _result(file, judge(obj, ignore=ignore)) for obj in find_resources(document)
                )
    if output == "json":
        write_json(results)
    else:
        for result in results:
            for line in _lines(result):
                click.echo(line)
    if not results:
        click.echo(
            f"no SeldonDeployment found in {', '.join(files)} "
            "(a configuration is judged by render --file)",
            err=True,
        )
    return 0 if all(result["valid"] for result in results) else 1


def _expand(files: Iterable[str]) -> Iterator[str]:
    for file in files:
        path = Path(file)
        if file != STDIN and path.is_dir():
            yield from sorted(
                str(each) for each in path.rglob("*") if each.suffix in _SUFFIXES and each.is_file()
            )
        else:
            yield file


def _read(file: str, named: Iterable[str]) -> str | UsageError:
    """The text of a file; of what a folder holds, the error in its place where it has none."""
    try:
        return read_text(file)
    except UsageError as error:
        if file in named:
            raise
        return error


def _result(file: str, verdict: Verdict) -> dict[str, Any]:
    return {
        "file": file,
        "name": verdict.name,
        "valid": verdict.is_valid,
        "violations": [
            *({"field": each.field, "message": each.message} for each in verdict.violations),
            *(_advice(each) for each in verdict.errors),
        ],
        "warnings": [_advice(each) for each in verdict.warnings],
    }


def _advice(each: Advice) -> dict[str, str]:
    return {
        "rule": each.rule,
        "field": each.field,
        "message": each.message,
        "reason": each.reason,
    }


def _broken(file: str, field: str, message: str) -> dict[str, Any]:
    broken = {"field": field, "message": message}
    return {"file": file, "name": "", "valid": False, "violations": [broken], "warnings": []}


def _lines(result: dict[str, Any]) -> Iterator[str]:
    head = f"{result['file']}: {result['name'] or '-'}"
    if result["valid"]:
        yield f"{head}: valid"
    for each in result["violations"]:
        rule = f" ({each['rule']})" if "rule" in each else ""
        yield f"{head}: invalid: {each['field']}: {each['message']}{rule}"
    for each in result["warnings"]:
        yield f"{head}: warning: {each['rule']}: {each['field']}: {each['message']}"
