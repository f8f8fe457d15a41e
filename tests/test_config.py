import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from configured import SOURCES, settings_of

from connectors import all_connectors
from models.config import DEFAULT_ATTRIBUTES, Config
from models.errors import ConfigError
from pipelines.config_schema import config_schema
from pipelines.config_tables import config_tables
from pipelines.settings import load_settings

ROOT = Path(__file__).parents[1]


def sentence_of(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as error:
        settings_of(tmp_path, text)
    sentence = str(error.value)
    assert "\n" not in sentence
    return sentence


def rule(**changes: object) -> str:
    one = {"id": "one", "when": {"source": "gpu"}, "treatment": "direct"} | changes
    kept = {key: value for key, value in one.items() if value is not None}
    return SOURCES + yaml.safe_dump({"attribution": {"rules": [kept]}})


# --- what is right --------------------------------------------------------------------------------


def test_relative_paths_are_relative_to_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    settings = settings_of(tmp_path, "lake: data/lake\n" + SOURCES)
    assert settings.lake.root == tmp_path / "data" / "lake"
    assert settings.warehouse == tmp_path / "warehouse.duckdb"
    assert settings.sources["gpu"].source.location == str(tmp_path / "bills")


def test_a_location_with_a_scheme_is_left_as_it_is(tmp_path: Path) -> None:
    text = "sources: {a: {connector: aws_cur2, location: 's3://bucket/prefix/export'}}"
    assert settings_of(tmp_path, text).sources["a"].source.location == "s3://bucket/prefix/export"


def test_configured_attributes_replace_the_default_of_their_entity_alone(tmp_path: Path) -> None:
    text = SOURCES + "attribution: {attributes: {customer: [shop.id]}}"
    attributes = settings_of(tmp_path, text).sources["gpu"].source.attributes
    assert attributes == DEFAULT_ATTRIBUTES | {"customer": ("shop.id",)}


def test_the_committed_configuration_is_valid_and_reads_the_sample(tmp_path: Path) -> None:
    settings = load_settings(ROOT / "unitledger.yml")
    assert {"aws_prod", "gcp", "azure", "anthropic", "coreweave", "traces"} <= set(settings.sources)
    assert all(Path(item.source.location).is_dir() for item in settings.sources.values())
    tables = config_tables(settings)
    assert set(settings.sources) <= set(tables["control_totals"]["source"])
    assert {"aws_prod", "lambda"} <= set(tables["invoices"]["source"])


# --- what is wrong, in one sentence ---------------------------------------------------------------


def test_an_unknown_key_is_named_with_what_is_allowed(tmp_path: Path) -> None:
    sentence = sentence_of(tmp_path, "warehuose: x.duckdb\n" + SOURCES)
    assert sentence == (
        "unitledger.yml: warehuose: unknown key, did you mean warehouse?; allowed: lake, "
        "warehouse, exports, invoices, control_totals, reporting_currency, sources, rate_cards, "
        "attribution, economics, guardrails"
    )


def test_an_unknown_key_deep_in_a_rule_is_named_with_what_is_allowed(tmp_path: Path) -> None:
    sentence = sentence_of(tmp_path, rule(when={"service": "x"}))
    assert sentence.startswith("unitledger.yml: attribution.rules.0.when.service: unknown key")
    assert "service_name, sub_account_id" in sentence


def test_an_unknown_option_of_a_source_is_named_with_what_is_allowed(tmp_path: Path) -> None:
    text = "sources: {gpu: {connector: runpod_billing, location: x, api_key: secret}}"
    sentence = sentence_of(tmp_path, text)
    assert sentence.startswith("unitledger.yml: sources.gpu.api_key: unknown key, did you mean")
    assert "allowed: connector, location, authoritative, api_key_env" in sentence


def test_an_unknown_connector_is_named_with_the_known_ones(tmp_path: Path) -> None:
    sentence = sentence_of(tmp_path, "sources: {a: {connector: aws_kur2, location: x}}")
    assert "sources.a: unknown connector 'aws_kur2', did you mean aws_cur2?; known: " in sentence
    assert "openai_costs" in sentence


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    text = "sources: {a: {connector: aws_cur2}}"
    assert sentence_of(tmp_path, text) == "unitledger.yml: sources.a.location: is missing"


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yml: no such configuration file"):
        load_settings(tmp_path / "none.yml")


def test_bad_yaml_is_shown_with_its_line(tmp_path: Path) -> None:
    assert sentence_of(tmp_path, "lake: ./lake\nsources: {a: [}\n").startswith(
        "unitledger.yml, line 2: "
    )


def test_a_source_that_stands_twice_is_not_silently_lost(tmp_path: Path) -> None:
    text = "sources:\n  a: {connector: aws_cur2, location: x}\n  a: {connector: y, location: z}\n"
    assert sentence_of(tmp_path, text) == "unitledger.yml, line 3: the key 'a' is there twice"


def test_an_account_number_that_yaml_reads_as_a_number_must_be_quoted(tmp_path: Path) -> None:
    sentence = sentence_of(tmp_path, rule(when={"sub_account_id": 411122223333}))
    assert sentence == (
        "unitledger.yml: attribution.rules.0.when.sub_account_id: "
        "input should be a valid string (found 411122223333)"
    )


def test_an_empty_file_is_one_sentence(tmp_path: Path) -> None:
    assert sentence_of(tmp_path, "").startswith("unitledger.yml: ")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"when": {}}, "at least one condition is needed"),
        ({"treatment": None}, "a rule needs set, treatment or pool"),
        ({"driver": "tokens"}, "driver and users belong to treatment: shared"),
        ({"treatment": "split"}, "'direct', 'shared', 'overhead' or 'unmatched'"),
        ({"valid_from": date(2026, 2, 1), "valid_to": date(2026, 2, 1)}, "must be after"),
    ],
)
def test_a_rule_that_says_nothing_or_too_much_is_refused(
    tmp_path: Path, changes: dict[str, object], expected: str
) -> None:
    assert expected in sentence_of(tmp_path, rule(**changes))


def test_two_rules_may_share_an_id_only_in_two_versions() -> None:
    def attribution(second_version: int) -> dict[str, Any]:
        one = {"id": "a", "version": 1, "when": {"source": "*"}, "pool": "p"}
        return {"rules": [one, one | {"version": second_version}]}

    sources = {"a": {"connector": "x", "location": "y"}}
    Config.model_validate({"sources": sources, "attribution": attribution(2)})
    with pytest.raises(ValueError, match="a version 1 is there twice"):
        Config.model_validate({"sources": sources, "attribution": attribution(1)})


def test_a_name_belongs_to_one_model_at_a_time() -> None:
    def aliases(valid_from: date) -> dict[str, Any]:
        return {
            "sources": {"a": {"connector": "x", "location": "y"}},
            "attribution": {
                "model_aliases": [
                    {"model": "old", "names": ["latest"], "valid_to": date(2026, 3, 1)},
                    {"model": "new", "names": ["latest"], "valid_from": valid_from},
                ]
            },
        }

    Config.model_validate(aliases(date(2026, 3, 1)))
    with pytest.raises(ValueError, match="latest is both old and new"):
        Config.model_validate(aliases(date(2026, 2, 28)))


# --- the schema for editors -----------------------------------------------------------------------


def test_the_committed_schema_is_current() -> None:
    committed = json.loads((ROOT / "docs" / "unitledger.schema.json").read_text())
    schema = config_schema()
    # A new vendor touches no file but its own: editors learn of it when the schema is next written.
    for name in all_connectors().keys() - committed["$defs"].keys():
        del schema["$defs"][name]
        schema["$defs"]["SourceConfig"]["oneOf"].remove({"$ref": f"#/$defs/{name}"})
    hint = "run: unitledger schema > docs/unitledger.schema.json"
    assert committed == schema, hint


def test_the_schema_lists_the_options_of_each_connector() -> None:
    definitions = config_schema()["$defs"]
    for name, connector in all_connectors().items():
        keys = {"connector", "location", *connector.options.model_fields}
        assert set(definitions[name]["properties"]) == keys
        assert definitions[name]["additionalProperties"] is False


def test_an_editor_accepts_the_committed_configuration_and_marks_a_typing_error() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    config = yaml.safe_load((ROOT / "unitledger.yml").read_text())
    plain = json.loads(json.dumps(config, default=str))
    jsonschema.validate(plain, config_schema())
    plain["sources"]["openai"]["admin_key"] = "secret"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(plain, config_schema())
