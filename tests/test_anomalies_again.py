"""What was judged is kept: it is judged again only where the costs are others."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

from test_anomalies import CUSTOMER, SPIKE, SPIKED, judged, spiked
from test_forecasts import ALL, forecast
from watched import DAYS, day, warehouse, weekly


def contents(lake: Path) -> dict[str, tuple[bytes, int]]:
    files = (lake / "judged").iterdir()
    return {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in files}


def test_a_second_run_writes_nothing_and_does_not_load_the_library(tmp_path: Path) -> None:
    costs = {CUSTOMER: weekly(change=spiked), ALL: weekly()}
    forecast(tmp_path, judged(tmp_path, warehouse(costs)))
    before = contents(tmp_path)
    assert len(before) > 35
    code = (
        "import sys; from pathlib import Path; from watched import *; "
        "from test_anomalies import CUSTOMER, judged, spiked; "
        "from test_forecasts import ALL, forecast; "
        "costs = {CUSTOMER: weekly(change=spiked), ALL: weekly()}; "
        "forecast(Path(sys.argv[1]), judged(Path(sys.argv[1]), warehouse(costs))); "
        "assert 'statsmodels' not in sys.modules and 'scipy' not in sys.modules"
    )
    root = Path(__file__).parent
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        check=True,
        env={"PYTHONPATH": f"{root}:{root.parent}"},
    )
    assert contents(tmp_path) == before


def test_a_restated_day_is_judged_again_and_earlier_ones_are_not(tmp_path: Path) -> None:
    judged(tmp_path, warehouse({CUSTOMER: weekly(change=spiked)}))
    before = contents(tmp_path)
    cost = SPIKE + Decimal("0.000000000001")
    connection = judged(
        tmp_path,
        warehouse({CUSTOMER: weekly(change=lambda place: cost if place == SPIKED else None)}),
    )
    after = contents(tmp_path)
    # A difference that a float does not see is a difference.
    assert connection.execute("select observed_cost from lake.anomalies").fetchall() == [(cost,)]
    changed = {name[10:20] for name in after if after[name] != before.get(name)}
    assert changed == {str(day(place)) for place in range(SPIKED, DAYS)}
    assert len(after) == len(before) == 35


def test_what_a_killed_run_lacks_is_written_with_the_same_bytes(tmp_path: Path) -> None:
    judged(tmp_path, warehouse({CUSTOMER: weekly(change=spiked)}))
    before = contents(tmp_path)
    for number, file in enumerate(sorted((tmp_path / "judged").iterdir())):
        if number % 3 or str(day(SPIKED)) in file.name:
            file.unlink()
    judged(tmp_path, warehouse({CUSTOMER: weekly(change=spiked)}))
    assert {name: item[0] for name, item in contents(tmp_path).items()} == {
        name: item[0] for name, item in before.items()
    }


def test_what_is_older_stays_as_it_was_judged(tmp_path: Path) -> None:
    costs = weekly(DAYS, lambda place: SPIKE if place == 36 else None)
    judged(tmp_path, warehouse({CUSTOMER: costs[:60]}, through=day(59)))
    # Five weeks later the day is not looked at any more.
    connection = judged(tmp_path, warehouse({CUSTOMER: weekly(75)}, through=day(74)))
    rows = connection.execute("select charge_date, observed_cost from lake.anomalies").fetchall()
    assert rows == [(day(36), SPIKE)]
