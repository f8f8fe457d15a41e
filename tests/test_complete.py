"""Whether a file is whole, whatever it is of."""

import gzip
from pathlib import Path

import pytest

from connectors._complete import check_complete, check_text, is_empty
from models.errors import ContractError

MIB = 1 << 20
CUT = gzip.compress(b"a,b\n1,2\n", mtime=0)[:-4]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"a,b\n"),
        # Pieces of a MiB: the end of the line alone in the last one, or cut in its midst.
        ("a.csv", b"x" * MIB + b"\n"),
        ("a.csv", ("é" * MIB + "\n").encode("utf-16-le")),
        ("a.csv", "a\n".encode("utf-16-be")),
        ("a.csv.gz", gzip.compress(b"x" * MIB + b"\n", mtime=0)),
    ],
    ids=["plain", "MiB and line end", "UTF-16, little end", "UTF-16, big end", "gzip"],
)
def test_a_text_that_ends_its_last_line_is_whole(tmp_path: Path, name: str, content: bytes) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    check_text(file, "sent")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", b"", "sent is empty"),
        ("a.csv", b" \r\n\n", "sent is empty"),
        ("a.csv.gz", gzip.compress(b"", mtime=0), "sent is empty"),
        ("a.csv", b"a,b\n1,", "sent is cut off: its last line does not end"),
        ("a.csv.gz", CUT, "sent is cut off or damaged: Compressed file ended before"),
        ("a.csv.gz", b"a,b\n", "sent is cut off or damaged: Not a gzipped file"),
    ],
)
def test_a_text_that_is_not_whole_is_refused(
    tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(ContractError, match=sentence):
        check_text(file, "sent")


def test_what_does_not_end_its_lines_may_end_anywhere(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(b'{"a": 1}')
    check_text(file, "sent", ends_its_lines=False)


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("a.csv.gz", CUT, "gzip"),
        ("a.parquet", b"PAR1 and no more", "Parquet"),
        ("a.zip", b"PK\3\4", "zip"),
    ],
)
def test_a_form_that_is_cut_off_is_named(
    tmp_path: Path, name: str, content: bytes, form: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(ContractError, match=f"sent: the {form} file is truncated or damaged"):
        check_complete(file, "sent")


def test_only_what_holds_nothing_at_all_is_empty(tmp_path: Path) -> None:
    sent = {"a.csv": b"", "b.csv.gz": gzip.compress(b""), "c.csv.gz": CUT[:3], "d.csv": b"\n"}
    for name, content in sent.items():
        (tmp_path / name).write_bytes(content)
    assert [name for name in sent if is_empty(tmp_path / name)] == ["a.csv", "b.csv.gz"]
