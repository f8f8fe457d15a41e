"""The JSON schema of unitledger.yml, connector options included, for editors."""

from typing import Any

from connectors import all_connectors
from models.config import Config


def config_schema() -> dict[str, Any]:
    """Return the schema: of each source, the options of the connector that it names."""
    schema = Config.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "unitledger.yml"
    definitions = schema["$defs"]
    base = definitions.pop("SourceConfig")
    choices = []
    for name, connector in sorted(all_connectors().items()):
        options = connector.options.model_json_schema()
        definitions.update(options.pop("$defs", {}))
        definitions[name] = {
            "title": connector.title,
            "type": "object",
            "additionalProperties": False,
            "required": [*base["required"], *options.get("required", [])],
            "properties": base["properties"]
            | {"connector": {"const": name, "description": connector.title}}
            | options.get("properties", {}),
        }
        choices.append({"$ref": f"#/$defs/{name}"})
    definitions["SourceConfig"] = {"description": base["description"], "oneOf": choices}
    return schema
