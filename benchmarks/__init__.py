"""How fast it is, how much memory it takes and how close it comes to the truth: `make bench`."""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

# The sample company is no package of the product; scaled up, it is what is measured.
sys.path.append(str(ROOT / "data_samples"))
