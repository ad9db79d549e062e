"""Writes the JSON Schemas of the reports and of the suite file, from the dataclasses that describe them."""

import json
from pathlib import Path

from tsharness.report.schemas import SCHEMAS

for name, make in SCHEMAS.items():
    target = Path(__file__).parent / f"{name}.schema.json"
    target.write_text(json.dumps(make(), indent=2) + "\n")
    print(f"{target.name} written")
