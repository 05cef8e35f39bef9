import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from dataworks_assets.config.files import PACKAGED
from dataworks_assets.config.reference import collections_schema, deployment_schema, partner_schema, schema_text, with_tables

REFERENCE = PACKAGED.parents[1] / "docs" / "reference"
PAGE = (REFERENCE / "configuration.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)


def as_json(text):
    return json.loads(json.dumps(yaml.safe_load(text), default=str))


@pytest.mark.parametrize(
    ("name", "schema"), [("collections", collections_schema), ("deployment", deployment_schema), ("partner", partner_schema)]
)
def test_the_schemas_on_disk_are_those_of_the_models(name, schema):
    assert (REFERENCE / f"{name}.schema.json").read_text() == schema_text(schema())


def test_the_tables_of_the_page_are_those_of_the_models():
    assert with_tables(PAGE) == PAGE


@pytest.mark.parametrize("path", sorted(PACKAGED.rglob("*.yaml")), ids=lambda path: path.name)
def test_every_file_of_the_package_is_valid_to_an_editor(path: Path):
    schemas = {"deployments": deployment_schema, "collections": collections_schema, "partner": partner_schema}
    jsonschema.validate(as_json(path.read_text()), schemas[path.parent.name]())


def test_an_editor_refuses_an_unknown_key():
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"collections": {"db.a.b": {"layuot": "raw"}}}, collections_schema())


def test_every_field_is_described():
    assert not re.findall(r"^\| `\w+` .*\|\s*\|$", PAGE, flags=re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_the_page_loads(load, example):
    assert load(example).collections
