"""Ask the official validators about files; runs in an environment of its own, with Python 3.12.

    python conformance/official.py FOLDER

Reads FOLDER/1.2/*.parquet, FOLDER/mutated/*.parquet and FOLDER/1.4/*, writes FOLDER/official.json:
for each file, the rules that fail and in how many rows. Exit codes of the validators say nothing:
focus-validator ends with 0 whatever it finds.
"""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path


def main(folder: Path) -> None:
    """Write what the validators say of each file."""
    files = sorted([*folder.glob("1.2/*.parquet"), *folder.glob("mutated/*.parquet")])
    with ProcessPoolExecutor(initializer=_work_where_the_validator_finds_its_currencies) as pool:
        said = dict(zip(map(str, files), pool.map(focus_validator, map(str, files)), strict=True))
    said |= {str(path): focus_toolkit(path) for path in sorted(folder.glob("1.4/*"))}
    relative = {str(Path(file).relative_to(folder)): rules for file, rules in said.items()}
    (folder / "official.json").write_text(json.dumps(relative, indent=1, sort_keys=True) + "\n")


def _work_where_the_validator_finds_its_currencies() -> None:
    """focus-validator 2.2.1 opens its list of currencies relative to the working folder."""
    import focus_validator  # type: ignore[import-not-found]

    folder = tempfile.mkdtemp(prefix="focus-validator-")
    os.chdir(folder)
    Path("focus_validator").symlink_to(Path(focus_validator.__file__).parent)


def focus_validator(file: str) -> dict[str, int]:
    """Return the failing rules of requirements model 1.2.0.1, with the number of their rows."""
    from focus_validator.validator import Validator  # type: ignore[import-not-found]

    validator = Validator(
        data_filename=file,
        data_format="parquet",
        output_type="unittest",
        output_destination=os.devnull,
        rules_version="1.2",
        focus_dataset="CostAndUsage",
        rules_block_remote_download=True,
        applicability_criteria="ALL",
    )
    results = validator.validate().by_rule_id
    failing = {rule: result for rule, result in results.items() if not result["ok"]}
    return {rule: _rows(result) for rule, result in failing.items()}


def _rows(result: dict[str, dict[str, object]]) -> int:
    violations = result.get("details", {}).get("violations")
    return violations if isinstance(violations, int) else -1


def focus_toolkit(path: Path) -> dict[str, int]:
    """Return the failing rules of FOCUS 1.4: of one file, or of a folder of data sets together."""
    toolkit = Path(sys.executable).with_name("focus-toolkit")
    if path.is_dir():
        command = ["validate-bundle", "--directory", str(path), "--format", "json"]
        report = json.loads(_output([str(toolkit), *command]))
        failing = [item["code"] for item in report["diagnostics"] if item["severity"] == "ERROR"]
        return {code: failing.count(code) for code in failing}
    dataset = path.name.split(".")[0].rsplit("__")[-1]
    output = _output([str(toolkit), "validate", str(path), "--dataset", dataset])
    if "lint OK" in output:
        return {}
    return {"lint": len(output.splitlines()) - 1}


def _output(command: list[str]) -> str:
    """Run a validator; what it says is on one of its streams, and it has said something."""
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    if not ran.stdout:
        raise SystemExit(f"{' '.join(command)}: {ran.stderr}")
    return ran.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
