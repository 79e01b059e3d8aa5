"""The `soc` program: arguments in, exit code out. What a command raises on purpose becomes one message and a documented code."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from collectors.errors import CollectorError
from iso27001.errors import IsoError
from soc.cli import soc
from soc.errors import EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, SocError


def main() -> None:
    """Run and leave with the command's exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code (docs/reference.md, "Exit codes")."""
    try:
        code = soc.main(list(arguments), prog_name="soc", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        return int(leaving.exit_code)
    except click.MissingParameter as error:
        _missing(error).show()
        return EXIT_USAGE
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return EXIT_INTERRUPTED
    except SocError as error:
        click.echo(f"soc: {error}", err=True)
        return error.exit_code
    except (CollectorError, IsoError) as error:
        click.echo(f"soc: {error}", err=True)
        return EXIT_USAGE
    except OSError as error:  # a full disk behind stdout, a folder that may not be entered
        click.echo(f"soc: {error.filename or 'output'}: {error.strerror or error}", err=True)
        return EXIT_USAGE
    except SystemExit:  # click leaves so, and only so, when `soc ... | head` has what it wanted
        return EXIT_OK
    return code if isinstance(code, int) else EXIT_OK


def _missing(error: click.MissingParameter) -> click.ClickException:
    """All that is missing at once: click stops at the first, when it has taken what was given."""
    context = error.ctx
    if context is None:
        return error
    later = [each for each in context.command.params if each.name not in context.params]
    wanted = [each for each in later if each.required and each.value_is_missing(each.consume_value(context, {})[0])]
    if len(wanted) < 2:
        return error
    return click.UsageError(f"missing: {', '.join(map(_wanted, wanted))}", context)


def _wanted(parameter: click.Parameter) -> str:
    name = parameter.human_readable_name if isinstance(parameter, click.Argument) else parameter.opts[0]
    choices = f" ({'|'.join(map(str, parameter.type.choices))})" if isinstance(parameter.type, click.Choice) else ""
    return f"{name}{choices}"


if __name__ == "__main__":
    main()
