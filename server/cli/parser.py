"""The command line's tree: every subcommand with its flags, and the function `module:name` that carries it out.

Modules are named, not imported, so that `--help` is quick and a broken part breaks no other command.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

VERIFY = "verify"
AFTER_MAX = 1_000_000_000
if TYPE_CHECKING:
    # argparse gives this type no public name, and at run time it takes no parameter.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - see above

_EPILOG = """examples:
  secondwind serve                          serve on 127.0.0.1:8080 with the embedded Postgres
  secondwind serve --demo --rate 3          the same, fed with three simulated gifts a second
  secondwind verify                         verify the instance that runs here
  secondwind inbox list --state unhandled   what the provider told and nothing handles yet

Settings come from flags, then the environment, then files named by NAME_FILE; `secondwind config` shows them.
"""


def build() -> argparse.ArgumentParser:
    """Return the parser; what it parses has `run`, the name of the function to call with it."""
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
    serve.set_defaults(run="server.cli.serve:serve")

    demo = commands.add_parser(
        "demo", parents=[common], help="run the service with simulated gifts", description="The same as `serve --demo`."
    )
    _add_serve_flags(demo)
    demo.set_defaults(run="server.cli.serve:serve", demo=True)

    migrate = commands.add_parser(
        "migrate",
        parents=[common],
        help="bring the database's schema up to date",
        description="Apply what is missing, once.",
    )
    migrate.set_defaults(run="server.cli.admin:migrate")

    # Listed here, answered in `main`.
    commands.add_parser(VERIFY, help="verify a log as a stranger would; without SOURCE, the service that runs here")

    _add_keeping(commands, common)
    _add_inbox(commands, common)
    _add_keys(commands, common)
    _add_audit(commands, common)
    _add_incident(commands, common)
    _add_policy(commands, common)
    _add_promise(commands)
    _add_witness(commands)
    _add_export(commands, common)
    _add_opening(commands, common)
    _add_erasure(commands, common)
    config = commands.add_parser(
        "config", parents=[common], help="show the settings", description="Secrets are masked."
    )
    config.set_defaults(run="server.cli.settings:show")

    token = commands.add_parser(
        "token", parents=[common], help="issue a short access token", description="Signed with this instance's key."
    )
    token.add_argument("--sub", required=True, metavar="SUBJECT", help="who it is for")
    token.add_argument("--role", action="append", default=[], metavar="ROLE", help="a role; may be given again")
    token.add_argument("--lifetime-s", type=int, default=900, metavar="S", help="at most 900 seconds")
    token.set_defaults(run="server.cli.keys:token")
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


def _add_keeping(commands: Commands, common: argparse.ArgumentParser) -> None:
    fsck = commands.add_parser("fsck", parents=[common], help="judge every entry and row where they are kept")
    fsck.add_argument("--log", metavar="NAME", help="only this log: books, audit or public")
    fsck.add_argument("--json", action="store_true", help="the report for programs")
    fsck.set_defaults(run="server.cli.keep:fsck_logs")
    backup = commands.add_parser("backup", parents=[common], help="keep everything in a directory, while it runs")
    backup.add_argument("directory", type=Path, metavar="DIR", help="where to; it must not exist, or be empty")
    backup.add_argument("--without-keys", action="store_true", help="leave the keys out")
    backup.set_defaults(run="server.cli.keep:backup_to")
    restore = commands.add_parser("restore", parents=[common], help="bring a backup back into an empty place")
    restore.add_argument("directory", type=Path, metavar="DIR", help="the backup")
    restore.add_argument(
        "--safe", type=Path, metavar="DIR", help="a place of the old safe: its keys and erasure list are copied here"
    )
    restore.add_argument(
        "--without-people", action="store_true", help="give up what no epoch key opens any more of people"
    )
    restore.set_defaults(run="server.cli.keep:restore_from")
    recover = commands.add_parser("recover", parents=[common], help="bring back what is lost, from the published files")
    recover.add_argument("--from", dest="source", required=True, metavar="DIR", help="what was SECONDWIND_PUBLISH_TO")
    recover.set_defaults(run="server.cli.recover:recover")
    rebuild = commands.add_parser("rebuild", parents=[common], help="rebuild a read model; without NAME, how all stand")
    rebuild.add_argument("name", nargs="?", metavar="NAME", help="the read model")
    rebuild.set_defaults(run="server.cli.keep:rebuild_one")


def _add_inbox(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    inbox = commands.add_parser(
        "inbox", help="look after what the provider told", description="Rows hold no personal data."
    )
    actions = inbox.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", parents=[common], help="count rows, or list those in one state")
    listing.add_argument("--state", choices=("new", "done", "ignored", "unhandled", "dead"))
    listing.add_argument("--type", dest="event_type", metavar="TYPE", help="only rows of one event type")
    listing.set_defaults(run="server.cli.admin:inbox_list")
    show = actions.add_parser("show", parents=[common], help="show one row, by its number in the list")
    show.add_argument("arrival", type=int, metavar="NUMBER", help="the first column of `inbox list`")
    show.set_defaults(run="server.cli.admin:inbox_show")
    retry = actions.add_parser("retry", parents=[common], help="work unhandled and dead rows again")
    retry.add_argument("--type", dest="event_type", metavar="TYPE", help="only rows of one event type")
    retry.set_defaults(run="server.cli.admin:inbox_retry")


def _add_keys(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    keys = commands.add_parser(
        "keys", help="show or back up the keys", description="Keys never leave their directory unasked."
    )
    actions = keys.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", parents=[common], help="list keys, and the verification keys of the logs")
    listing.set_defaults(run="server.cli.keys:keys_list")
    rewrap = actions.add_parser("rewrap", parents=[common], help="wrap people's keys by this week's key")
    rewrap.set_defaults(run="server.cli.keys:keys_rewrap")
    backup = actions.add_parser("backup", parents=[common], help="copy the keys to another directory")
    backup.add_argument(
        "directory", type=Path, metavar="DIR", help="a directory that is not part of the data's own backup"
    )
    backup.set_defaults(run="server.cli.keys:keys_backup")
    _add_log_keys(actions, common)
    renew = actions.add_parser("renew-export", parents=[common], help="make a new key for exports of later entries")
    renew.set_defaults(run="server.cli.export:renew_key")


def _add_opening(commands: Commands, common: argparse.ArgumentParser) -> None:
    opening = commands.add_parser(
        "open",
        parents=[common],
        help="show private fields of one entry to somebody",
        description="Writes a file that verify.py --opening verifies. It shows these fields and nothing else.",
    )
    opening.add_argument("position", type=int, metavar="POSITION", help="the entry")
    opening.add_argument("slots", nargs="+", metavar="SLOT", help="a private field, such as giver")
    opening.add_argument("--log", choices=("books", "public", "audit"), default="public", help="its log (public)")
    opening.add_argument("--actor", required=True, metavar="NAME", help="who gives it")
    opening.add_argument("--recipient", required=True, metavar="NAME", help="who gets it")
    opening.add_argument("--out", type=Path, required=True, metavar="FILE", help="where to write it; must not exist")
    opening.set_defaults(run="server.cli.open:open_slots")


def _add_erasure(commands: Commands, common: argparse.ArgumentParser) -> None:
    erase = commands.add_parser(
        "erase",
        parents=[common],
        help="erase a person",
        description="Destroys the key that opens what is kept of a person. `erase approve REQUEST` agrees to an erasure"
        " of what the law holds.",
    )
    erase.add_argument(
        "subject", nargs="?", metavar="SUBJECT", help="the provider's customer, or the name of a key; or `approve`"
    )
    erase.add_argument("request", nargs="?", type=int, metavar="REQUEST", help="what is approved")
    erase.add_argument("--email", metavar="ADDRESS", help="everybody who gave with this address")
    erase.add_argument("--position", type=int, metavar="N", help="whom this entry is about")
    erase.add_argument("--log", choices=("books", "public"), default="books", help="the log of --position (books)")
    erase.add_argument(
        "--group", choices=("identity", "audit"), default="identity", help="audit: what the law holds (identity)"
    )
    erase.add_argument("--actor", required=True, metavar="NAME", help="who does it")
    erase.add_argument("--reason", metavar="TEXT", help="why; sealed in the audit log")
    erase.set_defaults(run="server.cli.erase:erase")


def _add_log_keys(actions: Commands, common: argparse.ArgumentParser) -> None:
    introduce = actions.add_parser(
        "introduce", parents=[common], help="make a new key that signs a log beside the older"
    )
    introduce.set_defaults(run="server.cli.log_keys:introduce")
    retire = actions.add_parser("retire", parents=[common], help="let a key sign a log no further")
    retire.add_argument("key", metavar="KEY", help="its verification key, or the 8 digits of its ID")
    retire.set_defaults(run="server.cli.log_keys:retire")
    for action in (introduce, retire):
        _add_log(action)
        action.add_argument(
            "--recovery-key", type=Path, required=True, dest="recovery", metavar="FILE", help="the offline recovery key"
        )
        action.add_argument(
            "--after", type=_count, default=100, metavar="N", help="it takes effect so many entries from now (100)"
        )


def _add_incident(commands: Commands, common: argparse.ArgumentParser) -> None:
    incident = commands.add_parser(
        "incident", help="declare an incident in a log", description="What is said stands there for ever."
    )
    actions = incident.add_subparsers(required=True, metavar="ACTION")
    declare = actions.add_parser("declare", parents=[common], help="append `ledger.incident.declared.v1`")
    _add_log(declare)
    declare.add_argument("--text", required=True, metavar="TEXT", help="what happened and what was done about it")
    declare.set_defaults(run="server.cli.incident:declare")


def _add_policy(commands: Commands, common: argparse.ArgumentParser) -> None:
    policy = commands.add_parser(
        "policy", help="show or change what is published", description="A change holds from the next month on."
    )
    actions = policy.add_subparsers(required=True, metavar="ACTION")
    show = actions.add_parser("show", parents=[common], help="every policy, and from when it holds")
    show.set_defaults(run="server.cli.policy:show")
    change = actions.add_parser("change", parents=[common], help="append `ledger.policy.changed.v1`")
    change.add_argument("--set", action="append", metavar="NAME=NUMBER", help="such as people_min=15; may be repeated")
    change.add_argument(
        "--fee",
        action="append",
        metavar="ASSET:RATE_BP:FIXED_MINOR",
        help="a published fee formula, such as USD/2:290:30",
    )
    change.add_argument("--actor", required=True, metavar="NAME", help="who does it")
    change.add_argument("--reason", metavar="TEXT", help="why; sealed in the audit log")
    change.set_defaults(run="server.cli.policy:change")


def _add_promise(commands: Commands) -> None:
    promise = commands.add_parser("promise", help="judge the promise that a giver got", description="Needs no network.")
    actions = promise.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser(
        "check",
        help="whether a promise is the log's, and kept",
        description="Ends with 0 (kept, or open), 1 (late or overdue), or 2 (no promise of this log).",
    )
    check.add_argument("file", type=Path, metavar="FILE", help="the promise, as the service gave it")
    check.add_argument(
        "--key", action="append", required=True, metavar="VKEY", help="a key of the log; may be given again"
    )
    check.set_defaults(run="server.cli.promise:check")


def _add_log(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--log", choices=("books", "audit", "public"), default="public", help="which log (public)")


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= AFTER_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of entries from 1 to {AFTER_MAX}")
    return int(text)


def _add_audit(commands: Commands, common: argparse.ArgumentParser) -> None:
    audit = commands.add_parser(
        "audit",
        help="give auditors what they need",
        description="What is given is written down in the audit log first.",
    )
    actions = audit.add_subparsers(required=True, metavar="ACTION")
    anchors = actions.add_parser("anchors", parents=[common], help="what opens every anchor of the public log")
    anchors.add_argument("--actor", required=True, metavar="NAME", help="who gives it")
    anchors.add_argument("--recipient", required=True, metavar="NAME", help="who gets it")
    anchors.add_argument("--out", type=Path, required=True, metavar="FILE", help="where to write it; must not exist")
    anchors.set_defaults(run="server.cli.audit:anchors")
    erasures = actions.add_parser("erasures", parents=[common], help="judge whether what does not open was erased")
    erasures.set_defaults(run="server.cli.audit:erasures")


def _add_witness(commands: Commands) -> None:
    witness = commands.add_parser(
        "witness",
        help="be a witness for other people's logs",
        description="Cosign checkpoints that go on from those before. Needs no database and no log of its own.",
    )
    witness.add_argument(
        "--policy", type=Path, required=True, metavar="FILE", help="lines `log <vkey>`: whom to witness"
    )
    witness.add_argument(
        "--data-dir",
        type=Path,
        default=Path(".secondwind-witness"),
        metavar="DIR",
        help="its key, and what it cosigned",
    )
    witness.add_argument("--name", metavar="NAME", help="what it is called, chosen once: its public address")
    witness.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    witness.add_argument("--port", type=int, default=8090, help="port to listen on (8090); 0 takes a free one")
    witness.set_defaults(run="server.cli.witness:witness")


def _add_export(commands: Commands, common: argparse.ArgumentParser) -> None:
    export = commands.add_parser(
        "export",
        parents=[common],
        help="write a range of a log as one file that anyone can verify",
        description="The same range is the same bytes for ever. What is given of a protected log is written down.",
    )
    export.add_argument("--log", default="public", choices=("books", "audit", "public"), help="which log (public)")
    export.add_argument("--from", type=int, default=0, dest="first", metavar="N", help="its first entry (0)")
    export.add_argument(
        "--to", type=int, dest="end", metavar="N", help="the entry behind its last (all that is signed)"
    )
    export.add_argument("--out", type=Path, metavar="FILE", help="where to write it; must not exist")
    export.add_argument("--actor", metavar="NAME", help="who gives it, for a protected log")
    export.add_argument("--recipient", metavar="NAME", help="who gets it, for a protected log")
    export.add_argument("--auditor", metavar="KEY", help="seal what opens its private parts to this X25519 key")
    export.set_defaults(run="server.cli.export:export")
    actions = export.add_subparsers(metavar="ACTION")
    key = actions.add_parser("key", help="make a key for an auditor")
    key.add_argument("file", type=Path, metavar="FILE", help="where the secret half goes; must not exist")
    key.set_defaults(run="server.cli.export:new_auditor_key")
    opening = actions.add_parser("open", help="open what an export holds for an auditor; no service is needed")
    opening.add_argument("file", type=Path, metavar="FILE", help="the export")
    opening.add_argument("--key", type=Path, required=True, metavar="FILE", help="the auditor's secret key")
    opening.add_argument("--out", type=Path, metavar="FILE", help="where the openings go; must not exist (stdout)")
    opening.set_defaults(run="server.cli.export:open_openings")
