from pathlib import Path

import pytest

from dataworks_assets.config.kickstart import KickstartConfig, PartnerCollectionConfig
from dataworks_assets.config.loader import load_settings
from dataworks_assets.config.partner_loader import load_partner_collections
from dataworks_assets.config.problems import Problem
from dataworks_assets.systems.kickstart.scope import KickstartScope


@pytest.fixture
def load(tmp_path: Path):
    def loaded(text: str):
        (tmp_path / "partner.yaml").write_text(text)
        source = KickstartConfig(bucket="partner", files=("partner.yaml",))
        return list(load_partner_collections(source, tmp_path, where="local.yaml:1"))

    return loaded


def test_a_collection_is_named_by_module_and_name_and_may_have_the_files_defaults(load):
    found = load("defaults: {pii: true}\ncollections:\n  payment/pay-outs: {columns: [id, {name: paid, type: boolean}]}\n")
    assert [(each.name, each.table_name, each.pii) for each in found] == [("payment/pay-outs", "pay_outs", True)]


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ("collections:\n  adverts: {pii: false}\n", "'adverts' is no collection of a module", 2),
        ("collections:\n  wages/adverts: {pii: false}\n", "module", 2),
        ("collections:\n  vacancy/adverts: {}\n", "pii", 2),
        ("collections:\n  vacancy/adverts: {pii: false, colums: []}\n", "unknown key 'colums'", 2),
        ("collections:\n  vacancy/a:\n    pii: false\n    columns: [error_desc]\n", "one that the platform adds", 4),
        ("collections:\n  vacancy/a:\n    pii: false\n    columns: [{name: b, type: bigin}]\n", "bigint", 4),
        ("collection: {}\n", "unknown key 'collection'", 1),
        (
            "collections:\n  vacancy/a-b: {pii: false}\n  payment/a_b: {pii: true}\n",
            "payment/a_b and vacancy/a-b",
            3,
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(load, text, said, line):
    (problem,) = [each for each in load(text) if isinstance(each, Problem)]
    assert said in str(problem)
    assert problem.where.endswith(f":{line}")


def test_a_file_that_is_not_there_is_named():
    source = KickstartConfig(bucket="partner", files=("partner/none.yaml",))
    (problem,) = load_partner_collections(source, None, where="local.yaml:9")
    assert (problem.where, problem.what) == ("local.yaml:9", "there is no file 'partner/none.yaml'")


def test_pii_decides_folder_and_tag():
    scope = KickstartScope(load_settings("local"))
    tables = {name: scoped.job.tables[0] for name, scoped in scope.collections.items()}
    assert {name: (table.folder.partition("/")[0], table.tags["pii"]) for name, table in tables.items()} == {
        "application/applicants": ("pii", "true"),
        "payment/payments": ("pii", "true"),
        "vacancy/vacancies": ("non-pii", "false"),
    }


def test_a_session_is_never_asked_for_longer_than_a_chained_one_may_last():
    with pytest.raises(ValueError, match="less than or equal to 3600"):
        KickstartConfig(bucket="partner", session_seconds=7200)


def test_sessions_are_named_after_the_run():
    source = KickstartConfig(bucket="partner", roles=({"arn": "arn:aws:iam::222222222222:role/x", "external_id": "e"},))
    chain = source.store_settings(run_id="0123").chain
    assert (chain.session_name, dict(chain.tags)["dataworks-run"]) == ("kickstart-0123", "0123")


def test_a_table_of_the_columns_of_every_type_is_accepted():
    types = ("string", "boolean", "timestamp", "integer", "bigint", "double", "decimal", "text")
    columns = [{"name": f"c_{name}", "type": name} for name in types]
    assert len(PartnerCollectionConfig(module="vacancy", collection="a", pii=False, columns=columns).columns) == len(types)
