"""Ask the official validators about the exports: `make conformance`.

python -m conformance write EXPORTS FOLDER    the files to ask about
python -m conformance judge FOLDER            after conformance/official.py FOLDER
"""

import sys
from pathlib import Path

from conformance.document import write_table
from conformance.files import write_files
from conformance.judge import failures, read_allowlist, read_official, seen_by_official
from models.errors import UnitledgerError


def main(command: str, *folders: str) -> int:
    """Return the exit code: 1 where a validator says what it is not known to say wrongly."""
    if command == "write":
        exports, folder = map(Path, folders)
        write_files(exports, folder)
        return 0
    folder = Path(folders[0])
    said, allowed = read_official(folder), read_allowlist()
    sentences = list(failures(folder, said, allowed))
    files = [file for file in said if not file.startswith("mutated/")]
    for sentence in sentences:
        print(sentence)
    print(f"{len(files)} files, {len(allowed)} rules known to be wrong, {len(sentences)} surprises")
    print(write_table(seen_by_official(said)))
    return 1 if sentences else 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except UnitledgerError as error:
        print(f"conformance: {error}", file=sys.stderr)
        sys.exit(2)
