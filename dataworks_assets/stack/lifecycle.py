"""Starting, stopping and inspecting the embedded stack.

`up` starts what is not running and leaves the rest alone, however the previous stack ended; `down` leaves no process. Only
one of them runs at a time: a lock in the state folder makes others wait. Each service is defined in its own module.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import psutil

from dataworks_assets.stack import aws_server, key_service, metastore, object_server, processes, prometheus
from dataworks_assets.stack.certificates import Certificates
from dataworks_assets.stack.emr import service as emr_service
from dataworks_assets.stack.jars import ensure_jars
from dataworks_assets.stack.java import find_java_home
from dataworks_assets.stack.locking import locked
from dataworks_assets.stack.partner import provision_partner
from dataworks_assets.stack.ports import choose_ports, expand
from dataworks_assets.stack.service import Service, Surroundings
from dataworks_assets.stack.state import ServiceRecord, StackState, load_state, save_state
from spark.errors import StackError

SERVICES: tuple[Service, ...] = (
    prometheus.PUSHGATEWAY,
    prometheus.PROMETHEUS,
    object_server.SERVICE,
    aws_server.SERVICE,
    metastore.SERVICE,
    key_service.SERVICE,
    emr_service.SERVICE,
)
ON_DEMAND = tuple(service.name for service in SERVICES if service.on_demand)
"""Names of the services that run only if a deployment requests them."""

_LOCK = "stack.lock"
LOST = "The emulated AWS APIs lost what they held"
"""Beginning of the line that reports the loss: their rows, messages and topics are stored nowhere else."""
_READY_SECONDS = 120.0
_ANSWER_SECONDS = 20.0
_POLL_SECONDS = 0.1
_LOG_LINES = 8
_LONGEST_LOG_BYTES = 20 * 1024 * 1024

Say = Callable[[str], None]


@dataclass(frozen=True)
class ServiceStatus:
    """The state of a service: `state` is running, dead (it ended by itself) or stopped; memory is in bytes."""

    name: str
    title: str
    state: str
    url: str
    log_path: Path
    pid: int | None = None
    memory_bytes: int | None = None
    bound_to_all: bool = False


def up(
    home: Path, *, jars_directory: Path | None = None, wanted: Collection[str] = (), say: Say = lambda _: None
) -> StackState:
    """Starts all services that are not running or do not answer, in parallel, and returns how to reach the stack.

    Args:
        home: the state folder; created if missing.
        jars_directory: where the jars are; by default the state folder's own `jars`.
        wanted: services on demand (`ON_DEMAND`) to run as well; those requested earlier keep running.
        say: called with each line of progress, including what was lost and recreated.

    Raises:
        StackError: a service could not be started; the others run.
    """
    home = home.resolve()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(home / _LOCK):
        jars = (jars_directory or home / "jars").resolve()
        ensure_jars(jars, say=say)
        known = load_state(home)
        services = _asked_for(known, wanted)
        state, around = _plan(home, jars, known, services)
        save_state(state)
        before = state.services
        state = _ensure_all(state, around, services, say)
        state = _provision(state, known, say)
        save_state(state)
        if state.services == before:
            say("The stack runs already: nothing had to be started")
        return state


def down(home: Path, *, say: Say = lambda _: None) -> None:
    """Ends every process of the stack, including those missing from the state; data and ports are kept.

    Raises:
        StackError: a process did not end.
    """
    home = home.resolve()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(home / _LOCK):
        names = {processes.mark(home, service.name): service for service in SERVICES}
        ours = [process for marked in names for process in processes.find_marked(marked)]
        left = processes.end(ours)
        state = load_state(home)
        if state is not None:
            stopped = {name: record.model_copy(update={"process": None}) for name, record in state.services.items()}
            save_state(state.model_copy(update={"services": stopped}))
        if left:
            raise StackError("processes did not end", where=", ".join(str(process.pid) for process in left))
        say(f"Ended {len(ours)} processes" if ours else "Nothing ran")


def look(home: Path) -> tuple[ServiceStatus, ...]:
    """Returns the state of each service; empty if no stack was ever started in this folder."""
    home = home.resolve()
    state = load_state(home)
    if state is None:
        return ()
    around = _surroundings(state.model_copy(update={"home": home}))
    known = [service for service in SERVICES if service.name in state.services]
    return tuple(_status(service, state.services[service.name], around) for service in known)


def _status(service: Service, record: ServiceRecord, around: Surroundings) -> ServiceStatus:
    process = processes.find(record.process, marked=processes.mark(around.home, service.name))
    memory = None
    try:
        memory = process.memory_info().rss if process else None
    except psutil.NoSuchProcess:
        process = None
    state = "running" if process else "dead" if record.process else "stopped"
    pid = process.pid if process else None
    url = service.url(around)
    return ServiceStatus(service.name, service.title, state, url, record.log_path, pid, memory, service.bound_to_all)


def _asked_for(known: StackState | None, wanted: Collection[str]) -> tuple[Service, ...]:
    """Returns the services to run: all but those on demand that nobody has requested since the stack was started."""
    begun = {name for name, record in known.services.items() if record.process is not None} if known else set()
    return tuple(service for service in SERVICES if not service.on_demand or service.name in {*wanted, *begun})


def _plan(home: Path, jars: Path, known: StackState | None, services: Sequence[Service]) -> tuple[StackState, Surroundings]:
    """Chooses every port, ends services whose command has changed, and returns which still run."""
    running = {} if known is None else {record.name: record for record in known.services.values() if _runs(home, record)}
    taken: set[int] = set()
    for service in services:
        if service.name in running:
            taken |= expand(running[service.name].ports.values(), service.port_offsets)
    ports: dict[str, dict[str, int]] = {}
    for service in services:
        kept = known.services[service.name].ports if known and service.name in known.services else {}
        if service.name in running and set(kept) == set(service.port_names):
            ports[service.name] = kept
        else:
            offsets = service.port_offsets
            ports[service.name] = choose_ports(service.port_names, kept=kept, taken=taken, offsets=offsets)
            taken |= expand(ports[service.name].values(), offsets)
    around = Surroundings(home=home, java_home=find_java_home(), jars_directory=jars, ports=ports)
    records = {}
    for service in services:
        service.prepare(around)
        process = running[service.name].process if service.name in running else None
        if process is None or process.command != tuple(service.command(around)):
            processes.end(processes.find_marked(processes.mark(home, service.name)))
            process = None
        log_path = home / "logs" / f"{service.name}.log"
        records[service.name] = ServiceRecord(name=service.name, ports=ports[service.name], log_path=log_path, process=process)
    return _describe(around, records, known), around


def _runs(home: Path, record: ServiceRecord) -> bool:
    return processes.find(record.process, marked=processes.mark(home, record.name)) is not None


def _describe(around: Surroundings, records: dict[str, ServiceRecord], known: StackState | None) -> StackState:
    certificates = Certificates.within(around.directory(key_service.NAME))
    addresses = {
        "home": around.home,
        "java_home": around.java_home,
        "jars_directory": around.jars_directory,
        "services": records,
        "s3_endpoint": object_server.SERVICE.url(around),
        "aws_endpoint": aws_server.SERVICE.url(around),
        "metastore_uri": metastore.SERVICE.url(around),
        "key_service_url": key_service.SERVICE.url(around),
        "emr_endpoint": emr_service.SERVICE.url(around) if emr_service.NAME in records else "",
        "pushgateway_url": prometheus.PUSHGATEWAY.url(around) if prometheus.PUSHGATEWAY.name in records else None,
        "prometheus_url": prometheus.PROMETHEUS.url(around) if prometheus.PROMETHEUS.name in records else None,
        "ca_path": certificates.ca,
        "client_certificate_path": certificates.client,
        "client_key_path": certificates.client_key,
    }
    return known.model_copy(update=addresses) if known else StackState.model_validate(addresses)


def _surroundings(state: StackState) -> Surroundings:
    ports = {name: record.ports for name, record in state.services.items()}
    return Surroundings(home=state.home, java_home=state.java_home, jars_directory=state.jars_directory, ports=ports)


def _with_service(state: StackState, record: ServiceRecord) -> StackState:
    return state.model_copy(update={"services": {**state.services, record.name: record}})


def _ensure_all(state: StackState, around: Surroundings, services: Sequence[Service], say: Say) -> StackState:
    """Makes every service run, in parallel; started services are kept in the state even if another fails."""
    with ThreadPoolExecutor(max_workers=len(services)) as pool:
        futures = [pool.submit(_ensure, service, around, state.services[service.name], say) for service in services]
        for future in as_completed(futures):
            if future.exception() is None:
                state = _with_service(state, future.result())
                save_state(state)
    for future in futures:
        future.result()
    return state


def _ensure(service: Service, around: Surroundings, record: ServiceRecord, say: Say) -> ServiceRecord:
    """Starts a service that is not running, or does not answer."""
    if record.process is not None:
        try:
            _wait_until_ready(service, around, record, seconds=_ANSWER_SECONDS)
        except StackError:
            say(f"{service.title} runs but does not answer: it is started again")
            processes.end(processes.find_marked(processes.mark(around.home, service.name)))
        else:
            return record
    return _start(service, around, say)


def _start(service: Service, around: Surroundings, say: Say) -> ServiceRecord:
    log_path = around.home / "logs" / f"{service.name}.log"
    log_path.parent.mkdir(exist_ok=True)
    if log_path.is_file() and log_path.stat().st_size > _LONGEST_LOG_BYTES:
        log_path.replace(log_path.with_suffix(".log.1"))
    begun = time.monotonic()
    marked = processes.mark(around.home, service.name)
    process = processes.start(
        service.command(around),
        marked=marked,
        log_path=log_path,
        environment=service.environment(around),
        directory=around.directory(service.name),
    )
    record = ServiceRecord(name=service.name, ports=dict(around.ports[service.name]), log_path=log_path, process=process)
    _wait_until_ready(service, around, record, seconds=_READY_SECONDS)
    say(f"{service.title} is up at {service.url(around)} after {time.monotonic() - begun:.1f} s")
    return record


def _wait_until_ready(service: Service, around: Surroundings, record: ServiceRecord, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            service.check_ready(around)
        except service.not_ready as error:
            runs = _runs(around.home, record)
            if runs and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
                continue
            what = f"does not answer after {seconds:.0f} s" if runs else "ended while it was started"
            raise StackError(
                f"{service.title} {what}; its log ends: {_last_lines(record.log_path)}",
                where=str(record.log_path),
                remedy="Look into the log, then run `make stack` again",
            ) from error
        else:
            return


def _last_lines(path: Path) -> str:
    return " | ".join(path.read_text(errors="replace").splitlines()[-_LOG_LINES:])


def _provision(state: StackState, known: StackState | None, say: Say) -> StackState:
    provisioned = aws_server.provision(state.aws_endpoint)
    made = (*provisioned.made, *provision_partner(state.aws_endpoint))
    if made and known is not None and known.message_queue_url:
        say(f"{LOST}; made anew: {', '.join(made)}")
    addresses = {
        "completion_topic_arns": provisioned.completion_topic_arns,
        "notice_topic_arn": provisioned.notice_topic_arn,
        "ledger_topic_arns": provisioned.ledger_topic_arns,
        "message_queue_url": provisioned.message_queue_url,
    }
    return state.model_copy(update=addresses)
