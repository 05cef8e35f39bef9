import pytest

from spark.contract import PartnerFormat
from spark.decode.partner.names import column_names, csv_name, json_name
from spark.errors import InputError


@pytest.mark.parametrize(
    ("source", "column"),
    [
        ("Job Title", "job_title"),
        (" (Job)--Title! ", "job_title"),
        ("Salary£/h", "salary_h"),
        ("a$b", "a$b"),
        ("JobID", "jobid"),
    ],
)
def test_a_csv_header_becomes_lower_snake_case(source, column):
    assert csv_name(source) == column


@pytest.mark.parametrize(
    ("source", "column"),
    [
        ("userID", "user_i_d"),
        ("jobTitle", "job_title"),
        ("Name", "name"),
        ("plain", "plain"),
        ("a_B", "a__b"),
        ("myÄrger", "myärger"),
    ],
)
def test_a_json_name_becomes_snake_case_letter_by_letter(source, column):
    assert json_name(source) == column


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        (["Job Title", "job-title"], "'Job Title' and 'job-title' both become 'job_title'"),
        (["a", "a"], "the column 'a' is there twice"),
        (["a", " -- "], "column 2 has no name"),
        (["Row Hash ID"], "'Row Hash ID' becomes 'row_hash_id', which the platform adds"),
    ],
)
def test_names_that_cannot_stand_side_by_side_are_refused(sources, said):
    with pytest.raises(InputError, match=said):
        column_names(sources, style=PartnerFormat.CSV, uri="s3://b/k")
