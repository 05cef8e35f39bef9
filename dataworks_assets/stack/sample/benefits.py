"""Made-up documents of a benefits system: statements, contracts, tasks, sanctions, events, audit and equality answers.

Each maker builds one document as MongoDB has it (`$oid`, `$date`), about 1 KB, from a random source alone: the same
source gives the same document. Which documents a day has is decided in `plans`.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

Document = dict[str, Any]

_DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1)
_WORDS = tuple(
    word
    for line in (
        "payment housing element review evidence verified pending appointment journal message change circumstances rent carer",
        "capability commitment search provider council landlord deduction advance recovery award period earnings childcare",
        "cost agreed declined escalated referred partner household statement amount reduced increased from until self-employed",
    )
    for word in line.split()
)
_FIRST_NAMES = ("Aisha", "Ben", "Chloe", "Dafydd", "Eleri", "Farouk", "Grace", "Hamish", "Isla", "Jakub", "Kavita", "Zoë")
_LAST_NAMES = ("Ahmed", "Baker", "Davies", "Evans", "Fraser", "Griffiths", "Hughes", "Jones", "Kaur", "MacLeod", "O'Neill")
_TOWNS = ("Leeds", "Cardiff", "Glasgow", "Newcastle upon Tyne", "Ynys Môn", "Stoke-on-Trent", "Derby", "Blackpool")
_STREETS = ("High Street", "Station Road", "Church Lane", "Victoria Terrace", "Ffordd y Môr", "Mill Wynd")


def moment(day: date, millisecond: int) -> dict[str, str]:
    """Returns a wrapped time: so many milliseconds after a day's start, UTC."""
    seconds, millis = divmod(millisecond, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return {"$date": f"{day.isoformat()}T{hour:02d}:{minute:02d}:{second:02d}.{millis:03d}Z"}


def epoch_ms(day: date, millisecond: int = 0) -> int:
    """Returns milliseconds since 1970."""
    return (day - _EPOCH).days * _DAY_MS + millisecond


def millisecond_of_day(random: Random) -> int:
    """Returns a time of day in milliseconds."""
    return random.randrange(_DAY_MS)


def _hex(random: Random, digits: int = 24) -> str:
    return f"{random.getrandbits(digits * 4):0{digits}x}"


def _text(random: Random, words: int) -> str:
    return " ".join(random.choices(_WORDS, k=words))


def _past(random: Random, day: date, *, most_days: int) -> date:
    return day - timedelta(days=random.randrange(1, most_days))


def _pounds(random: Random, most: int) -> float:
    return random.randrange(most * 100) / 100


def statement(random: Random, day: date) -> Document:
    """A monthly statement with its lines."""
    lines: list[Document] = [
        {
            "type": random.choice(("STANDARD_ALLOWANCE", "HOUSING", "CHILD", "CARER", "EARNINGS", "DEDUCTION")),
            "amount": _pounds(random, 900),
            "description": _text(random, 6),
        }
        for _ in range(random.randrange(3, 7))
    ]
    month = day.replace(day=1)
    return {
        "statementId": _hex(random, 32),
        "personId": _hex(random),
        "contractId": _hex(random),
        "assessmentPeriod": {"startDate": moment(month, 0), "endDate": moment(month + timedelta(days=27), 0)},
        "paymentAmount": round(sum(line["amount"] for line in lines), 2),
        "currency": "GBP",
        "note": f"paid in ${random.randrange(1, 4)} parts; " + _text(random, 12),
        "lines": lines,
        "payments": [{"payee": _hex(random), "sortCode": f"{random.randrange(10**6):06d}", "share": random.random()}],
        "final": random.random() < 0.8,  # noqa: PLR2004 four in five
    }


def contract(random: Random, day: date) -> Document:
    """A contract with nested periods, decimals and dates; one in a thousand has text where an amount should be."""
    people = [_hex(random) for _ in range(random.choice((1, 1, 2)))]
    allowance: float | str = _pounds(random, 700) if random.randrange(1000) else "not known yet"
    declared = _past(random, day, most_days=900)
    periods = [
        {
            "assessmentPeriodId": _hex(random, 32),
            "startDate": moment(declared + timedelta(days=30 * number), 0),
            "endDate": moment(declared + timedelta(days=30 * number + 29), 0),
            "paymentAmount": _pounds(random, 2000),
        }
        for number in range(random.randrange(1, 5))
    ]
    return {
        "contractType": "COUPLE" if len(people) > 1 else "SINGLE",
        "people": people,
        "declaredDate": moment(declared, millisecond_of_day(random)),
        "startDate": moment(declared + timedelta(days=7), 0),
        "closedDate": moment(day, 0) if random.randrange(10) == 0 else None,
        "assessmentPeriods": periods,
        "address": address_of(random),
        "amounts": {"monthlyAllowance": allowance, "deductionsCount": random.randrange(4)},
        "flags": {name: random.random() < 0.5 for name in random.sample(_WORDS, 3)},  # noqa: PLR2004 half
        "jointClaim": len(people) > 1,
        "entitlementTerminationReasons": [],
    }


def to_do(random: Random, day: date) -> Document:
    """A task of a claimant's journal."""
    return {
        "type": random.choice(("REPORT_CHANGE", "CONFIRM_RENT", "BOOK_APPOINTMENT", "UPLOAD_EVIDENCE", "ACCEPT_COMMITMENT")),
        "createdBy": {"id": _hex(random), "role": random.choice(("AGENT", "SYSTEM"))},
        "claimantId": _hex(random),
        "contractId": _hex(random),
        "title": _text(random, 5),
        "details": f'He said "{_text(random, 20)}"\n{_text(random, 25)}',
        "due": moment(day + timedelta(days=random.randrange(30)), 0),
        "completed": random.random() < 0.5,  # noqa: PLR2004 half
        "history": [{"at": moment(_past(random, day, most_days=60), 0), "event": _text(random, 3)} for _ in range(3)],
        "version": random.randrange(40),
    }


def sanction(random: Random, day: date) -> Document:
    """A sanction with the period it covers."""
    start = _past(random, day, most_days=400)
    return {
        "claimantId": _hex(random),
        "sanctionType": random.choice(("LOWEST", "LOW", "MEDIUM", "HIGH")),
        "amount": _pounds(random, 300),
        "startDate": moment(start, 0),
        "endDate": moment(start + timedelta(days=random.choice((7, 14, 28, 91))), 0),
        "decidedDateTime": moment(start, millisecond_of_day(random)),
        "appealed": random.randrange(5) == 0,
        "reasons": [{"code": f"R{random.randrange(100):03d}", "text": _text(random, 15)} for _ in range(3)],
        "decisionMaker": {"id": _hex(random), "office": random.choice(_TOWNS)},
        "note": _text(random, 40),
    }


def address_of(random: Random) -> Document:
    """A postal address with its place."""
    return {
        "line1": f"{random.randrange(1, 220)} {random.choice(_STREETS)}",
        "town": random.choice(_TOWNS),
        "postcode": f"ZZ{random.randrange(1, 99)} {random.randrange(1, 9)}ZZ",
        "location": {"latitude": round(50 + random.random() * 8, 6), "longitude": round(-6 + random.random() * 7, 6)},
    }


def person_address(random: Random, day: date) -> Document:
    """The address a person has confirmed."""
    return {
        "value": {"address": address_of(random), "moveInDate": moment(_past(random, day, most_days=4000), 0)},
        "previous": [address_of(random) for _ in range(random.randrange(3))],
        "acceptedBy": {"id": _hex(random), "office": random.choice(_TOWNS)},
        "provenance": {"source": "citizen", "confidence": random.random(), "trail": [_hex(random) for _ in range(6)]},
        "comment": _text(random, 20),
    }


def agent_to_do(random: Random, day: date) -> Document:
    """A task of an agent."""
    return to_do(random, day) | {"agentId": _hex(random), "team": random.choice(_TOWNS), "priority": random.randrange(5)}


def claimant_event(random: Random, day: date) -> Document:
    """A scheduler's event; one in eight was logically removed."""
    event: Document = {
        "claimantId": _hex(random),
        "jobName": f"{random.choice(_WORDS)}.{random.choice(_WORDS)}.job",
        "trigger": {"cron": "0 0 4 * * ?", "next": moment(day, 14_400_000), "misfires": random.randrange(3)},
        "state": random.choice(("WAITING", "ACQUIRED", "COMPLETE", "ERROR")),
        "attempts": [{"at": moment(_past(random, day, most_days=9), 0), "ms": random.randrange(9000)} for _ in range(5)],
        "payload": {"correlationId": _hex(random, 32), "text": _text(random, 45)},
    }
    if random.randrange(8) == 0:
        event |= {"_archived": True, "_archivedDateTime": moment(day, millisecond_of_day(random))}
    return event


def audit_context(random: Random, day: date) -> Document:
    """A flattened audit context, without an id."""
    millisecond = millisecond_of_day(random)
    stamp = moment(day, millisecond)["$date"]
    return {
        "AUDIT_ID": _hex(random, 32),
        "AUDIT_EVENT": random.choice(("LOGIN", "VIEW_CLAIM", "CHANGE_ADDRESS", "MAKE_PAYMENT", "CLOSE_CLAIM")),
        "TIME_STAMP": stamp,
        "TIME_STAMP_ORIG": str(epoch_ms(day, millisecond)),
        "CONTEXT_ID": _hex(random),
        "CITIZEN_ID": _hex(random),
        "AGENT_ID": _hex(random),
        "CONTRACT_ID": _hex(random),
        "TRANSACTION_ID": _hex(random, 32),
        "FIRST_NAME": random.choice(_FIRST_NAMES),
        "LAST_NAME": random.choice(_LAST_NAMES),
        "POSTCODE": address_of(random)["postcode"],
        "PROCESS": _text(random, 3),
        "OUTCOME": random.choice(("SUCCESS", "REFUSED")),
        "PAYMENT_AMOUNT": f"{_pounds(random, 900):.2f}",
        "1_abroad_for_more_than_one_month": random.choice(("YES", "NO")),
        "2_other_income": random.choice(("YES", "NO")),
        "3_caring_responsibilities": random.choice(("YES", "NO", "")),
    }


def equality_answers(random: Random, day: date) -> Document:
    """The inner message of a claimant's answers to the equality questions."""
    return {
        "@type": "EqualityData",
        "claimantId": _hex(random),
        "ethnicGroup": random.choice(("WHITE", "MIXED", "ASIAN", "BLACK", "OTHER", "PREFER_NOT_TO_SAY")),
        "ethnicitySubgroup": random.choice(("BRITISH", "IRISH", "INDIAN", "CARIBBEAN", "OTHER")),
        "sexualOrientation": random.choice(("HETEROSEXUAL", "GAY", "BISEXUAL", "OTHER", "PREFER_NOT_TO_SAY")),
        "religion": random.choice(("NONE", "CHRISTIAN", "MUSLIM", "HINDU", "SIKH", "JEWISH", "BUDDHIST")),
        "maritalStatus": random.choice(("SINGLE", "MARRIED", "CIVIL_PARTNERSHIP", "DIVORCED")),
        "answeredDateTime": moment(day, millisecond_of_day(random)),
    }


def thing(random: Random, day: date) -> Document:
    """Something of a collection nobody has configured."""
    return {"name": _text(random, 2), "seen": moment(day, 0), "value": random.randrange(1000)}
