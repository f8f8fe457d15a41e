import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "requirements.lock").read_text()
PRODUCT = [
    file for name in ("connectors", "models", "pipelines") for file in (ROOT / name).rglob("*.py")
]


def locked_entries() -> dict[str, str]:
    """Return the lines of each requirement in the lock by its name."""
    entries = re.split(r"^(?=[a-z0-9])", LOCK, flags=re.MULTILINE)[1:]
    return {entry.split("==")[0]: entry for entry in entries}


def test_the_lock_names_no_index_and_no_url() -> None:
    code = [line.split("#")[0] for line in LOCK.splitlines()]
    assert not [line for line in LOCK.splitlines() if "://" in line]
    assert not [line for line in code if re.match(r"\s*--(?!hash=sha256:[0-9a-f]{64}\b)", line)]


def test_every_locked_requirement_is_pinned_and_has_a_hash() -> None:
    entries = locked_entries()
    assert len(entries) > 100
    assert not [name for name, entry in entries.items() if not re.match(r"[\w.-]+==\S+ ", entry)]
    assert not [name for name, entry in entries.items() if "--hash=sha256:" not in entry]


def test_the_lock_holds_every_declared_dependency_and_what_builds_the_project() -> None:
    declared = [
        *PYPROJECT["project"]["dependencies"],
        *PYPROJECT["dependency-groups"]["dev"],
        *PYPROJECT["build-system"]["requires"],
    ]
    entries = locked_entries()
    for requirement in map(Requirement, declared):
        version = entries[requirement.name].split("==")[1].split()[0]
        assert requirement.specifier.contains(version), f"{requirement}: run `make lock`"


def test_imports_go_one_way() -> None:
    # In a process of its own: the linter switches off all loggers of the one that it runs in.
    command = "from importlinter.cli import lint_imports_command as lint; lint()"
    run = subprocess.run(
        [sys.executable, "-c", command, "--no-cache"], check=False, cwd=ROOT, capture_output=True
    )
    assert run.returncode == 0, run.stdout.decode()


def test_models_import_only_the_standard_library_and_pydantic() -> None:
    graph = grimp.build_graph("models", include_external_packages=True, cache_dir=None)
    modules = [name for name in graph.modules if name.split(".")[0] == "models"]
    imported = {
        target.split(".")[0]
        for name in modules
        for target in graph.find_modules_directly_imported_by(name)
    }
    assert imported - sys.stdlib_module_names <= {"models", "pydantic"}


def test_dbt_and_tests_hold_no_package_that_hides_the_real_dbt() -> None:
    assert not list((ROOT / "dbt").rglob("*.py"))
    assert not list((ROOT / "tests").rglob("__init__.py"))
    assert not [path for path in PRODUCT if path.name.startswith("dbt_")]


def test_make_help_names_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = set(re.findall(r"^\.PHONY: (\S+)$", makefile, flags=re.MULTILINE))
    documented = set(re.findall(r"^([a-z-]+):.*## \S", makefile, flags=re.MULTILINE))
    assert phony == documented
    assert {"help", "install", "demo", "test", "dev", "lint", "type", "bench", "ci"} <= phony


def test_files_and_functions_stay_short() -> None:
    long_files = [path.name for path in PRODUCT if len(path.read_text().splitlines()) >= 300]
    long_functions = [
        f"{path.name}:{node.name}"
        for path in PRODUCT
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 40
    ]
    assert (long_files, long_functions) == ([], [])


def test_lines_of_sql_stay_within_120_characters() -> None:
    # As written: sqlfluff measures what Jinja makes of them.
    written = [file for file in (ROOT / "dbt").rglob("*.sql") if "target" not in file.parts]
    long_lines = [
        f"{file.name}:{number}"
        for file in written
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if len(line) > 120
    ]
    assert long_lines == []
