"""What a delivery says that cannot be used, though all of its money is: shown, never dropped."""

from connectors._aws.splits import UNKNOWN_SPLITS
from connectors._aws.tags import COLLISIONS

QUARANTINE_SQL = f"""
    from ({COLLISIONS})
    union all by name
    from ({UNKNOWN_SPLITS})
    order by x_file, x_row, column_name, value
"""
