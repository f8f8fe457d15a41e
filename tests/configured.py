"""A configuration of one source, written as a user writes it."""

from pathlib import Path

from pipelines.settings import Settings, load_settings

SOURCES = "sources: {gpu: {connector: runpod_billing, location: ./bills}}\n"


def settings_of(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "unitledger.yml"
    file.write_text(text)
    return load_settings(file)
