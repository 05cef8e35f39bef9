"""Every bad input of a partner's delivery: what is said, that it is said of its day alone, and that nothing of it is shown."""

from datetime import date, timedelta

import pytest

from dataworks_assets.stack.sample.wire import encrypt
from dataworks_assets.systems.plan import Decision
from dataworks_assets_tests.systems.kickstart.whole_path import ADVERTS, CLAIMS, DAY, IV, TODAY, World
from spark.errors import AccessError, ConfigurationError
from spark.store import ObjectStore

GOOD = "id,title\n1,Baker\n"


def refused(world: World, name: str = ADVERTS):
    """Runs the day and returns the one failed finding; the other collection of the day is published."""
    other = CLAIMS if name == ADVERTS else ADVERTS
    world.json([{"id": "good"}], name=CLAIMS) if other == CLAIMS else world.csv(GOOD)
    outcome = world.run()
    assert world.rows(other) is not None
    assert world.rows(name) is None
    return outcome.finding(name)


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"", "the object is empty (0 bytes)"),
        (b'id,title\n1,"Baker\n', "a quote is opened and never closed"),
        ("id,title\n1,Bäcker\n".encode("latin-1"), "byte 12 is not UTF-8"),
        (GOOD.encode("utf-16"), "the file is UTF-16 or binary, not UTF-8"),
        (b"id,ID\n1,2\n", "'id' and 'ID' both become 'id'"),
        (b"id,id\n1,2\n", "the column 'id' is there twice"),
        (b"id,error desc\n1,2\n", "the column 'error desc' becomes 'error_desc', which the platform adds"),
        (b"id,\n1,2\n", "column 2 has no name"),
        (b"\nid,title\n1,Baker\n", "the first line is blank where the header should be"),
    ],
)
def test_a_csv_file_that_cannot_be_read_is_named_with_the_cause(body, cause):
    world = World()
    uri = world.csv(body)
    finding = refused(world)
    assert (finding.check, finding.object) == ("read", uri)
    assert cause in finding.cause
    assert finding.remedy


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (b"", "the object is empty"),
        (b"[1]", "does not begin with `{`: most likely the wrong data key or iv"),
        (b'{"rows": []}', "it has no array `data`"),
        (b'{"fields": [], "data": [{"id": 1}]}', "`data` has the field 'id', which `fields` do not declare"),
        (b'{"fields": [{"fieldName": "id", "pii": true}], "data": [{"id": 1}', "ends inside of `data`"),
        (
            b'{"fields": [{"fieldName": "aB", "pii": true}, {"fieldName": "a_b", "pii": true}], "data": []}',
            "'aB' and 'a_b' both become 'a_b'",
        ),
        (b'{"fields": [{"fieldName": "id", "pii": "perhaps"}], "data": []}', "the PII mark of the field 'id' is 'perhaps'"),
        (b'{"fields": [{"fieldName": "id", "pii": true}], "data": [{"id": 1,}]}', "not valid JSON"),
        (b'{"fields": [{"fieldName": "id", "pii": true}], "data": [{"id": "\xff"}]}', "bytes that are not UTF-8"),
        (
            b'{"fields": [{"fieldName": "id", "pii": true}], "fields": [{"fieldName": "id", "pii": false}], "data": []}',
            "`fields` is there twice",
        ),
        (
            b'{"fields": [{"fieldName": "id", "pii": true}], "data": [{"id": %b%b}]}' % (b"[" * 5000, b"]" * 5000),
            "an element is nested deeper than can be read",
        ),
        (
            b'{"more": %b%b, "fields": [{"fieldName": "id", "pii": true}], "data": []}' % (b"[" * 5000, b"]" * 5000),
            "not the documented JSON object: nested deeper than can be read",
        ),
    ],
)
def test_a_document_that_is_not_the_documented_one_is_named_with_the_cause(text, cause):
    world = World()
    uri = world.text(text)
    finding = refused(world, CLAIMS)
    assert (finding.check, finding.object) == ("read", uri)
    assert cause in finding.cause
    assert finding.remedy


def test_a_wrong_key_is_the_likely_cause_of_what_is_no_json():
    world = World()
    world.text(b'{"fields": [], "data": []}', key=bytes(32))
    assert "wrong data key or iv" in refused(world, CLAIMS).cause


def test_a_document_without_its_encryption_metadata_is_refused():
    world = World()
    uri = world.uri(CLAIMS)
    world.source.put(uri, encrypt(b'{"fields": [], "data": []}', bytes(32), IV))
    assert refused(world, CLAIMS).object == uri


def test_an_element_that_is_no_object_refuses_the_day_and_is_kept_in_the_quarantine():
    world = World()
    world.text(b'{"fields": [{"fieldName": "id", "pii": true}], "data": [{"id": "c-1"}, 7]}')
    finding = refused(world, CLAIMS)
    assert (finding.check, finding.place) == ("quarantine", "row 2")
    assert [(row["line"], row["raw"]) for row in world.quarantine(CLAIMS)] == [(2, b"7")]


def test_a_field_that_is_declared_and_never_there_is_a_column_of_nulls():
    world = World()
    fields = b'[{"fieldName": "id", "pii": true}, {"fieldName": "hours", "pii": false}]'
    world.text(b'{"fields": ' + fields + b', "data": [{"id": "c-1"}]}')
    assert world.run(CLAIMS).failures == ()
    assert [(row["id"], row["hours"]) for row in world.rows(CLAIMS)] == [("c-1", None)]


def test_a_header_alone_is_a_day_without_rows():
    world = World()
    world.csv("id,title\n")
    assert world.run(ADVERTS).failures == ()
    assert world.rows(ADVERTS) == []


def test_ragged_rows_refuse_the_day_and_are_kept_in_the_quarantine():
    world = World()
    world.csv("id,title\n1,Baker\n2\n3,Cook,x\n")
    finding = refused(world)
    assert (finding.check, finding.place) == ("quarantine", "row 3 and 1 more of its 3")
    assert [(row["line"], row["raw"]) for row in world.quarantine(ADVERTS)] == [(3, b"2"), (4, b"3,Cook,x")]


def test_a_type_that_no_value_fits_is_told_and_every_value_is_in_error_desc():
    world = World()
    world.csv("id,title\nx,Baker\ny,Cook\n")
    outcome = world.run(ADVERTS)
    assert [row["error_desc"] for row in world.rows(ADVERTS)] == [
        ["Type Conversion for column id. The source value is: x"],
        ["Type Conversion for column id. The source value is: y"],
    ]
    told = [finding.cause for finding in outcome.findings(ADVERTS, passed=True) if finding.check == "schema"]
    assert told == ["changed: id bigint came as string", "id: no one of 2 values casts; error_desc says which"]


def test_a_field_marked_pii_in_a_collection_that_is_configured_without_is_refused():
    world = World()
    world.collections = [each.model_copy(update={"pii": False}) for each in world.collections]
    world.json([{"id": "c-1"}], pii="true")
    outcome = world.run(CLAIMS)
    finding = outcome.finding(CLAIMS)
    assert (finding.check, finding.place) == ("pii", "field id")
    assert "Configure application/claims with `pii: true`" in finding.remedy


def test_a_file_that_is_replaced_while_it_is_read_fails_its_day_and_the_next_run_reads_the_new_one():
    world = World()
    uri = world.csv(GOOD)

    class Store(ObjectStore):
        """Lets the file be replaced between the look and the reading."""

        looks = 0

        def stream(self, address, **options):
            self.looks += 1
            if self.looks == 2:
                self.put(uri, b"id,title\n2,Cook\n")
            return super().stream(address, **options)

    world.source = Store(world.source.settings, world.source._clients)
    outcome = world.run(ADVERTS)
    assert outcome.finding(ADVERTS).cause == "the object was replaced meanwhile"
    assert [failure.lies_in_data for failure in outcome.failures] == [False]
    assert world.run(ADVERTS).failures == ()
    assert world.rows(ADVERTS)[0]["id"] == 2


def test_objects_of_unknown_names_are_told_and_left_alone():
    world = World()
    uri = world.csv(GOOD)
    stranger = uri.replace("adverts.csv", "unknown.csv")
    longer = uri.replace("adverts.csv", "advertsing.csv")
    world.source.put(stranger, b"x")
    world.source.put(longer, b"x")
    outcome = world.run(ADVERTS)
    assert outcome.failures == ()
    assert set(outcome.plan.foreign_objects) == {stranger, longer}
    assert any(stranger in line for line in outcome.events.lines)


def test_a_date_in_the_name_other_than_its_folders_refuses_the_day():
    world = World()
    uri = world.csv(GOOD)
    wrong = uri.replace("2026-11-20_", "2026-11-19_")
    world.source.put(wrong, b"id,title\n7,Cook\n")
    finding = refused(world)
    assert (finding.object, finding.cause) == (wrong, "the object's name says 2026-11-19, its folder 2026-11-20")


def test_a_day_in_the_future_is_refused():
    with pytest.raises(ConfigurationError, match="2026-11-22 is in the future"):
        World().plan(days=[TODAY + timedelta(days=1)])


def test_a_missing_file_is_named_and_an_expired_one_stays_a_failure_until_it_is_acknowledged():
    from dataworks_assets.systems.kickstart.acknowledged import acknowledge

    world = World()
    assert world.run(ADVERTS).finding(ADVERTS).object.endswith("vacancy/2026-11-20/2026-11-20_adverts...")
    world.today = DAY + timedelta(days=8)
    for _ in range(2):
        finding = world.run(ADVERTS).finding(ADVERTS)
        assert finding.check == "expired"
        assert "dataworks kickstart acknowledge vacancy/adverts --day 2026-11-20" in finding.remedy
    acknowledge(world.store, world.scope, [(ADVERTS, DAY)], reason="partner lost it", by="ops")
    outcome = world.run(ADVERTS)
    assert outcome.failures == ()
    assert [(each.decision, each.reason) for each in outcome.plan.days] == [
        (Decision.GIVEN_UP, "given up by an operator: partner lost it")
    ]


def test_the_seventh_day_after_upload_is_the_last_on_which_a_missing_file_is_only_missing():
    world = World(today=DAY + timedelta(days=7))
    assert [each.decision for each in world.plan(ADVERTS).days] == [Decision.NOT_EXPORTED]


def test_an_access_that_is_refused_is_never_taken_for_a_missing_file():
    class Refusing(ObjectStore):
        def list(self, prefix_uri, **options):
            raise AccessError("access refused", where=prefix_uri)

    world = World()
    world.source = Refusing(world.source.settings)
    outcome = world.run(ADVERTS)
    assert isinstance(outcome.error, AccessError)
    assert outcome.failures == ()


def test_one_day_of_a_year_ago():
    assert World(first_day=date(2025, 1, 1)).plan(ADVERTS, days=[date(2025, 11, 20)]).days[0].decision is Decision.EXPIRED
