"""The command line: `secondwind serve|migrate|demo|verify|fsck|backup|restore|rebuild|inbox|keys|config|token`.

Exit codes: 0 done, 2 refused with one sentence on stderr, 130 interrupted, 141 nobody reads the output any more.
`verify` has the verifier's own.
Each subcommand imports what it needs when it runs, so that `--help` is quick.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from server.errors import StartRefused

REFUSED = 2
INTERRUPTED = 130
PIPE_CLOSED = 141
VERIFY = "verify"

_EPILOG = """examples:
  secondwind serve                          serve on 127.0.0.1:8080 with the embedded Postgres
  secondwind serve --demo --rate 3          the same, fed with three simulated gifts a second
  secondwind verify                         verify the instance that runs here
  secondwind inbox list --state unhandled   what the provider told and nothing handles yet

Settings come from flags, then the environment, then files named by NAME_FILE; `secondwind config` shows them.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    # The verifier reads its own options, in their own order: argparse would keep those it does not know for itself.
    options = argparse.Namespace(run=_verify, arguments=given[1:]) if given[:1] == [VERIFY] else None
    options = options or _parser().parse_args(given)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        code = run(options)
        sys.stdout.flush()
    except StartRefused as error:
        print(f"secondwind: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read the output has seen enough, and Python must not try to flush the rest at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="secondwind",
        description="A charity's books that anyone can verify.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="keys, state and the embedded database (.secondwind)"
    )
    common.add_argument("--database-url", metavar="URL", help="use this Postgres instead of the embedded one")

    serve = commands.add_parser(
        "serve", parents=[common], help="run the service", description="Run the service until Ctrl-C."
    )
    _add_serve_flags(serve)
    serve.add_argument(
        "--demo", action="store_true", help="feed it with simulated gifts; the log says that it is a demo"
    )
    serve.set_defaults(run=_serve)

    demo = commands.add_parser(
        "demo", parents=[common], help="run the service with simulated gifts", description="The same as `serve --demo`."
    )
    _add_serve_flags(demo)
    demo.set_defaults(run=_serve, demo=True)

    migrate = commands.add_parser(
        "migrate",
        parents=[common],
        help="bring the database's schema up to date",
        description="Apply what is missing, once.",
    )
    migrate.set_defaults(run=_migrate)

    # Listed here, answered in `main`.
    commands.add_parser(VERIFY, help="verify a log as a stranger would; without SOURCE, the service that runs here")

    _add_keeping(commands, common)
    _add_inbox(commands, common)
    _add_keys(commands, common)
    config = commands.add_parser(
        "config", parents=[common], help="show the settings", description="Secrets are masked."
    )
    config.set_defaults(run=_config)

    token = commands.add_parser(
        "token", parents=[common], help="issue a short access token", description="Signed with this instance's key."
    )
    token.add_argument("--sub", required=True, metavar="SUBJECT", help="who it is for")
    token.add_argument("--role", action="append", default=[], metavar="ROLE", help="a role; may be given again")
    token.add_argument("--lifetime-s", type=int, default=900, metavar="S", help="at most 900 seconds")
    token.set_defaults(run=_token)
    return parser


def _add_serve_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (8080); 0 takes a free one")
    parser.add_argument("--roles", metavar="LIST", help="what this process does (web,worker,publisher,signer)")
    parser.add_argument(
        "--rate", type=float, dest="demo_rate", metavar="N", help="simulated gifts a second, with --demo"
    )
    parser.add_argument(
        "--migrate", action="store_const", const=True, help="bring the schema of DATABASE_URL up to date first"
    )
    parser.add_argument(
        "--log", choices=("json", "text"), dest="log_format", help="log lines for machines or for people"
    )


def _add_keeping(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    fsck = commands.add_parser("fsck", parents=[common], help="judge every entry and row where they are kept")
    fsck.add_argument("--log", metavar="NAME", help="only this log: books, audit or public")
    fsck.add_argument("--json", action="store_true", help="the report for programs")
    fsck.set_defaults(run=_fsck)
    backup = commands.add_parser("backup", parents=[common], help="keep everything in a directory, while it runs")
    backup.add_argument("directory", type=Path, metavar="DIR", help="where to; it must not exist, or be empty")
    backup.add_argument("--without-keys", action="store_true", help="leave the keys out")
    backup.set_defaults(run=_backup)
    restore = commands.add_parser("restore", parents=[common], help="bring a backup back into an empty place")
    restore.add_argument("directory", type=Path, metavar="DIR", help="the backup")
    restore.set_defaults(run=_restore)
    rebuild = commands.add_parser("rebuild", parents=[common], help="rebuild a read model; without NAME, how all stand")
    rebuild.add_argument("name", nargs="?", metavar="NAME", help="the read model")
    rebuild.set_defaults(run=_rebuild)


def _add_inbox(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    inbox = commands.add_parser(
        "inbox", help="look after what the provider told", description="Rows hold no personal data."
    )
    actions = inbox.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", parents=[common], help="count rows, or list those in one state")
    listing.add_argument("--state", choices=("new", "done", "ignored", "unhandled", "dead"))
    listing.add_argument("--type", dest="event_type", metavar="TYPE", help="only rows of one event type")
    listing.set_defaults(run=_inbox_list)
    show = actions.add_parser("show", parents=[common], help="show one row, by its number in the list")
    show.add_argument("arrival", type=int, metavar="NUMBER", help="the first column of `inbox list`")
    show.set_defaults(run=_inbox_show)
    retry = actions.add_parser("retry", parents=[common], help="work unhandled and dead rows again")
    retry.add_argument("--type", dest="event_type", metavar="TYPE", help="only rows of one event type")
    retry.set_defaults(run=_inbox_retry)


def _add_keys(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    keys = commands.add_parser(
        "keys", help="show or back up the keys", description="Keys never leave their directory unasked."
    )
    actions = keys.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", parents=[common], help="list keys, and the verification keys of the logs")
    listing.set_defaults(run=_keys_list)
    backup = actions.add_parser("backup", parents=[common], help="copy the keys to another directory")
    backup.add_argument(
        "directory", type=Path, metavar="DIR", help="a directory that is not part of the data's own backup"
    )
    backup.set_defaults(run=_keys_backup)


def _serve(options: argparse.Namespace) -> int:
    from server.cli_serve import serve

    return serve(options)


def _migrate(options: argparse.Namespace) -> int:
    from server.cli_admin import migrate

    return asyncio.run(migrate(options))


def _fsck(options: argparse.Namespace) -> int:
    from server.cli_keep import fsck_logs

    return asyncio.run(fsck_logs(options))


def _backup(options: argparse.Namespace) -> int:
    from server.cli_keep import backup_to

    return asyncio.run(backup_to(options))


def _restore(options: argparse.Namespace) -> int:
    from server.cli_keep import restore_from

    return asyncio.run(restore_from(options))


def _rebuild(options: argparse.Namespace) -> int:
    from server.cli_keep import rebuild_one

    return asyncio.run(rebuild_one(options))


def _inbox_list(options: argparse.Namespace) -> int:
    from server.cli_admin import inbox_list

    return asyncio.run(inbox_list(options))


def _inbox_show(options: argparse.Namespace) -> int:
    from server.cli_admin import inbox_show

    return asyncio.run(inbox_show(options))


def _inbox_retry(options: argparse.Namespace) -> int:
    from server.cli_admin import inbox_retry

    return asyncio.run(inbox_retry(options))


def _keys_list(options: argparse.Namespace) -> int:
    from server.cli_keys import keys_list

    return keys_list(options)


def _keys_backup(options: argparse.Namespace) -> int:
    from server.cli_keys import keys_backup

    return keys_backup(options)


def _token(options: argparse.Namespace) -> int:
    from server.cli_keys import token

    return asyncio.run(token(options))


def _config(options: argparse.Namespace) -> int:
    from server.cli_settings import load

    rows = load(options).described()
    widths = max(len(name) for name, _, _ in rows), max(len(value) for _, value, _ in rows)
    for name, value, text in rows:
        print(f"{name:<{widths[0]}}  {value or '-':<{widths[1]}}  {text}")
    return 0


def _verify(options: argparse.Namespace) -> NoReturn:
    from server.cli_verify import verify

    verify(options.arguments)


if __name__ == "__main__":
    sys.exit(main())
