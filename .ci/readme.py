"""Runs the commands of README.md in a fresh copy of the tree and writes down what they print.

Every ```console block is a terminal of 120 columns: its lines that begin with "$ " are run one
after the other by one bash, and what they print takes the place of the other lines. A comment
"<!-- first N, last M -->" before a block keeps that much of each command's output, with "…" in
between. Takes some minutes: the first block installs everything.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(
    r"(?:<!-- first (?P<first>\d+), last (?P<last>\d+) -->\n)?```console\n(?P<body>.*?)```",
    re.DOTALL,
)
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
MARK = "\x1f"
"""Printed after each command, so that its output can be told from the next one's."""


def copy_tree(folder: Path) -> None:
    """Copy what a clone would hold, with what is not committed yet."""
    listed = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
            target.chmod((ROOT / name).stat().st_mode)


def outputs(commands: list[str], folder: Path) -> list[str]:
    """Run commands in a terminal; return what each printed."""
    script = "".join(f"{command}\nprintf '\\037'\n" for command in commands)
    environment = {name: value for name, value in os.environ.items() if "VERINOTE" not in name}
    environment |= {
        "PATH": f"{folder / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
        "LINES": "40",
        "TERM": "dumb",
        "PYTHONUTF8": "1",
    }
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV"):
        environment.pop(name, None)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as shell:
        os.close(theirs)
        read = bytearray()
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # Linux says so when the last one holding the terminal is gone
                break
            if not chunk:
                break
            read += chunk
            sys.stderr.buffer.write(chunk)
        shell.wait()
    text = CONTROL.sub("", read.decode().replace("\r\n", "\n"))
    shown = "\n".join(line.rsplit("\r", 1)[-1] for line in text.split("\n"))
    return shown.split(MARK)[: len(commands)]


def trimmed(text: str, first: str | None, last: str | None) -> list[str]:
    """The lines of an output, at most the first and last so many of them."""
    lines = [line.rstrip() for line in text.strip("\n").split("\n")]
    if first is None or last is None or len(lines) <= int(first) + int(last):
        return lines if text.strip() else []
    return [*lines[: int(first)], "…", *lines[len(lines) - int(last) :]]


def main() -> None:
    """Rewrite README.md."""
    page = ROOT / "README.md"
    with tempfile.TemporaryDirectory(prefix="verinote-") as temporary:
        folder = Path(temporary) / "verinote"
        folder.mkdir()
        copy_tree(folder)

        def block(match: re.Match[str]) -> str:
            commands = [line[2:] for line in match["body"].splitlines() if line.startswith("$ ")]
            lines = []
            for command, printed in zip(commands, outputs(commands, folder), strict=True):
                text = printed.replace(str(folder), "…/verinote")
                shown = trimmed(text, match["first"], match["last"])
                lines += [f"$ {command}", *shown]
            head = match.group()[: match.start("body") - match.start()]
            return head + "".join(f"{line}\n" for line in lines) + "```"

        page.write_text(BLOCK.sub(block, page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
