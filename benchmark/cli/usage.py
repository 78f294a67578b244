"""What the parser of options refuses, in the words of all other errors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise, takewhile

import typer

# The parser's messages, and what is said in their place. Of another wording the message itself is shown.
_WORDS = {
    r"Invalid value for '(?P<name>[^']+)': .*valid (?:integer|number).*": "{name} {value}is no number",
    r"Invalid value for '(?P<name>[^']+)': Input should be (?P<rest>.*)": "{name} {value}is not {rest}",
    r"Missing (?:option|argument) '(?P<name>[^']+)'\.?": "{name} is missing",
    r"No such command '(?P<name>[^']*)'\.?": "unknown command '{name}'",
    r"No such command '(?P<name>[^']*)'\. Did you mean (?P<near>.+)\?": "unknown command '{name}'{near}",
    r"No such option: (?P<name>\S+)": "unknown option '{name}'",
    r"No such option: (?P<name>\S+) Did you mean (?P<near>.+)\?": "unknown option '{name}'{near}",
    r"No such option: (?P<name>\S+) \(Possible options: (?P<near>.+)\)": "unknown option '{name}'{near}",
    r"Got unexpected extra arguments?(?:\(s\))? \((?P<name>.*)\)": "unexpected argument '{name}'",
}  # fmt: skip


def usage_error(error: typer.TyperException, arguments: Sequence[str]) -> str:
    """Word what the command line refuses, with the command that shows how it is called.

    Args:
        error: As the parser raises it.
        arguments: What was typed after ``bench``.
    """
    message = str(error.format_message()) if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    words = takewhile(lambda word: not word.startswith("-"), arguments)
    command = context.command_path if context else " ".join(["bench", *words])
    given = dict[str, str]()  # which the parser's messages do not say
    for word, following in pairwise([*arguments, ""]):
        option, equals, value = word.partition("=")
        given[option] = value if equals else following
    refusal = message[:1].lower() + message[1:].rstrip(".")
    for pattern, ours in _WORDS.items():
        if found := re.fullmatch(pattern, message):
            said = found.groupdict()
            near = said.get("near", "").replace("'", "")
            value = given.get(said["name"], "")
            quoted = f"'{value}' " if value else ""
            refusal = ours.format(**{**said, "value": quoted, "near": near and f": did you mean {near}?"})
            break
    return f"{refusal}; '{command} --help' shows how it is called"
