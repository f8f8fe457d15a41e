"""A real Prometheus, filled by promtool, through the whole ledger of the sample company.

Prometheus alone says which states the GPUs were in and what the engines counted; a tenth of the
traces is lost, and the nightly check leaves none.
"""

import csv
import gzip
import json
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from capacity_brute_force import share
from capacity_scene import Charge
from company import ROOT, Company
from prometheus_company import (
    SCRAPE,
    START,
    Scraped,
    company_cluster,
    date_of,
    planted,
)
from prometheus_server import run_prometheus

from connectors._lake import Lake, slot_is
from larkspur.company import DAY
from larkspur.fleet import Pod
from larkspur.scraped import Cluster, Request

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SAMPLES = ROOT / "data_samples"
DAYS = [date_of(START), date_of(START + DAY)]
NANO = Decimal("0.000000001")
NOTHING = {"nanoseconds": 0, "effective_cost": Decimal(0)}
# What a replica's engine counted from midnight to midnight, less all tokens of the attempts that
# touch the day.
COUNTED_AND_TRACED = """
    with days as (select unnest([?, ?]::date[]) as day),
    counted as (
        select day, pod_uid, counter, sum(quantity) as tokens
        from staging.stg_lake__counter_deltas
        inner join days on counted_from >= day and counted_to <= day + interval 1 day
        group by all
    ),
    traced as (
        select
            day, pod_uid,
            sum(uncached_input_tokens) as input_tokens, sum(output_tokens) as output_tokens
        from (select distinct on (attempt_id) * from staging.stg_lake__attempts order by attempt_id)
        inner join days on ended_at > day and started_at < day + interval 1 day
        group by all
    )
    select
        strftime(day, '%Y-%m-%d'), pod_uid, counter,
        (tokens - coalesce(
            case counter when 'input_tokens' then input_tokens else output_tokens end, 0
        ))::bigint
    from counted left join traced using (day, pod_uid)
"""


def spans(file: Path) -> Iterator[dict[str, Any]]:
    for line in gzip.decompress(file.read_bytes()).splitlines():
        yield json.loads(line)


def traces_in(export: dict[str, Any]) -> set[str]:
    return {
        span["traceId"]
        for resource in export["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    }


def lose_a_tenth(folder: Path) -> frozenset[str]:
    """Write the company's spans without a tenth of the two days' traces; return what is lost."""
    shutil.copytree(SAMPLES / "otel", folder)
    found: dict[str, set[str]] = defaultdict(set)
    for file in folder.iterdir():
        for export in spans(file):
            for trace in traces_in(export):
                found[trace].add(file.name[:10])
    lost = frozenset(
        trace for trace, days in found.items() if int(trace[:8], 16) % 10 == 0 and days <= {*DAYS}
    )
    for day in DAYS:
        file = folder / f"{day}.jsonl.gz"
        lines = [json.dumps(_without(export, lost)) for export in spans(file)]
        file.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0))
    return lost


def _without(export: dict[str, Any], lost: frozenset[str]) -> dict[str, Any]:
    for resource in export["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            scope["spans"] = [span for span in scope["spans"] if span["traceId"] not in lost]
    return export


@pytest.fixture(scope="module")
def seen() -> Cluster:
    return company_cluster()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("metered")


@pytest.fixture(scope="module")
def scraped(seen: Cluster, folder: Path) -> Scraped:
    return Scraped(seen, lose_a_tenth(folder / "otel"))


@pytest.fixture(scope="module")
def metered(company: Company, seen: Cluster, scraped: Scraped, folder: Path) -> Company:
    """The company with Prometheus in place of its nodes' log, on the two days."""
    ours = Company(folder, folder / "unitledger.yml")
    shutil.copytree(company.folder / "lake", folder / "lake", copy_function=os.link)
    nodes = shutil.copytree(SAMPLES / "node_lifecycle", folder / "nodes")
    lake = Lake(folder / "lake")
    for day in DAYS:
        slot = f"{day}.csv"
        (nodes / slot).unlink()
        shutil.rmtree(lake.folder(lake.manifests("nodes")[slot][-1]).parent)
        lake.replace_in_index([], gone=slot_is("nodes", slot))
    with run_prometheus(planted(seen), folder) as url:
        config = yaml.safe_load(company.config.read_text())
        config["sources"]["nodes"]["location"] = str(nodes)
        config["sources"]["traces"]["location"] = str(folder / "otel")
        config["sources"]["metrics"] = {"connector": "prometheus", "location": url}
        # The totals are those of the whole samples.
        del config["control_totals"]
        ours.config.write_text(yaml.safe_dump(config, sort_keys=False))
        run = ours.unitledger("run", "--from", DAYS[0], "--to", DAYS[1])
        assert run.returncode == 0, run.stdout + run.stderr
    return ours


@pytest.fixture(scope="module")
def found(metered: Company) -> pl.DataFrame:
    """What the ledger shares of the machines' hours."""
    with metered.connect() as warehouse:
        return warehouse.execute(
            """
            select
                shares.resource_id, epoch_ms(groups.charge_period_start) as hour,
                shares.attempt_id, shares.state, shares.is_ghost,
                sum(shares.nanoseconds)::bigint as nanoseconds,
                sum(shares.effective_cost) as effective_cost
            from intermediate.int_capacity_shares as shares
            inner join intermediate.int_charge_groups as groups using (charge_group_id)
            where shares.charge_date between ? and ? group by all
            """,
            DAYS,
        ).pl()


@pytest.mark.parametrize("day", [START, START + DAY], ids=DAYS)
def test_every_share_is_what_the_planted_samples_tell_to_the_nanosecond(
    found: pl.DataFrame, scraped: Scraped, day: int
) -> None:
    scene = scraped.scene(day)
    ghosts = 0
    for charge in scene.charges:
        rows = {
            (row["attempt_id"], row["state"], row["is_ghost"]): row
            for row in of(found, charge).iter_rows(named=True)
        }
        expected, _ = share(scene, charge)
        whole = sum(expected.values())
        assert sum(row["nanoseconds"] for row in rows.values()) == charge.billed * 10**6
        assert sum(row["effective_cost"] for row in rows.values()) == Decimal(charge.cost)
        for key in expected.keys() | rows.keys():
            row = rows.get(key, NOTHING)
            part = expected.get(key, Fraction(0)) / whole
            assert abs(row["nanoseconds"] - part * charge.billed * 10**6) <= 1.01, (charge, key)
            off = abs(Fraction(row["effective_cost"]) - Fraction(charge.cost) * part)
            assert off <= 2 * NANO, (charge, key)
        ghosts += any(key[2] for key in rows)
    assert len(scene.charges) > 70
    assert ghosts > 20


def of(found: pl.DataFrame, charge: Charge) -> pl.DataFrame:
    """What the ledger shares of a machine's hour."""
    return found.filter(resource_id=charge.resource, hour=charge.hour)


def tokens_of_the_truth(scraped: Scraped, pod: Pod, day: int) -> dict[str, int]:
    missing = scraped.untraced(pod, day)
    return {
        "input_tokens": sum(one.input_tokens for one in missing),
        "output_tokens": sum(one.output_tokens for one in missing),
    }


def test_tokens_that_were_counted_and_not_traced_are_those_of_the_lost_requests(
    metered: Company, scraped: Scraped
) -> None:
    with metered.connect() as warehouse:
        rows = warehouse.execute(COUNTED_AND_TRACED, DAYS).fetchall()
    found = {(day, pod, counter): tokens for day, pod, counter, tokens in rows}
    equal = lost = 0
    for day in (START, START + DAY):
        for _, pod in scraped.seen.pods():
            for counter, tokens in tokens_of_the_truth(scraped, pod, day).items():
                missing = found.get((date_of(day), pod.uid, counter), 0)
                if scraped.is_quiet_at(pod, day) and scraped.is_quiet_at(pod, day + DAY):
                    assert missing == tokens, (pod, counter)
                    equal, lost = equal + 1, lost + tokens
                else:  # nobody knows on which side of midnight a request's tokens came
                    assert 0 < missing <= tokens, (pod, counter)
    assert equal >= 20
    assert lost > 50_000


def test_the_nightly_check_is_all_that_the_company_never_traced(seen: Cluster) -> None:
    everything = Scraped(seen)
    with (SAMPLES / "truth" / "untraced.csv").open() as file:
        stated = {
            (row["day"], row["pod_uid"]): (int(row["input_tokens"]), int(row["output_tokens"]))
            for row in csv.DictReader(file)
        }
    told = {
        (date_of(day), pod.uid): tuple(tokens.values())
        for day in (START, START + DAY)
        for _, pod in seen.pods()
        if any((tokens := tokens_of_the_truth(everything, pod, day)).values())
    }
    assert told == stated
    assert set(told.values()) == {(40 * 210, 40 * 48)}


def true_states(scraped: Scraped) -> dict[tuple[str, str, str], int]:
    """What the GPUs truly did, by day: the nightly check made them busy, too."""
    states: dict[tuple[str, str, str], int] = defaultdict(int)
    with (SAMPLES / "truth" / "states.csv").open() as file:
        for row in csv.DictReader(file):
            states[row["resource_id"], row["hour"][:10], row["state"]] += int(row["milliseconds"])
    with (SAMPLES / "truth" / "untraced.csv").open() as file:
        for row in csv.DictReader(file):
            for state, sign in (("busy", 1), ("warm_idle", -1)):
                key = (row["resource_id"], row["day"], state)
                states[key] += sign * int(row["milliseconds"])
    nodes = {node.resource_id for node in scraped.seen.nodes}
    return {key: time for key, time in states.items() if key[0] in nodes and key[1] in DAYS}


def test_states_are_those_of_the_truth_within_a_scrape_a_change(
    found: pl.DataFrame, scraped: Scraped
) -> None:
    told: dict[tuple[str, str, str], int] = defaultdict(int)
    # The beta's rented machines are in no cluster.
    nodes = [node.resource_id for node in scraped.seen.nodes]
    for row in found.filter(pl.col("resource_id").is_in(nodes)).iter_rows(named=True):
        key = (row["resource_id"], date_of(row["hour"]), row["state"])
        told[key] += row["nanoseconds"]
    truth = true_states(scraped)
    for key in told.keys() | truth.keys():
        off = abs(told[key] - truth.get(key, 0) * 10**6)
        assert off <= allowed(scraped, *key) * 10**6, (key, told[key], truth.get(key))
    busy, true = (
        sum(time for key, time in states.items() if key[2] == "busy") for states in (told, truth)
    )
    assert abs(busy / 10**6 - true) < 0.01 * true


def allowed(scraped: Scraped, resource: str, day: str, state: str) -> int:
    """What begins or ends shows with the next scrape; so does what left no span."""
    if state not in ("busy", "warm_idle"):
        return 2 * SCRAPE
    [node] = [node for node in scraped.seen.nodes if node.resource_id == resource]
    start = START if day == DAYS[0] else START + DAY
    runs = [one for pod in node.pods for one in scraped.untraced(pod, start)]
    return SCRAPE * (1 + len(stretches(runs)))


def stretches(requests: list[Request]) -> list[int]:
    """The ends of what runs without a break of a scrape."""
    ends: list[int] = []
    for one in sorted(requests, key=lambda one: one.started):
        if ends and one.started <= ends[-1] + SCRAPE:
            ends[-1] = max(ends[-1], one.ended)
        else:
            ends.append(one.ended)
    return ends
