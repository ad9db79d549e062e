#!/usr/bin/env bash
# Everything that needs a GPU, in one call: builds, runs the tests marked `cuda` (without a GPU they fail here
# instead of being skipped), and measures. Results go to $OUT (default: benchmarks/results/gpu).
#
# The machine may reach no registry: wheels that it lacks (the build needs nvidia-cudnn-frontend for the
# nlohmann-json header, the tests silero-vad) are taken from .whl/ if that folder is there.
set -euo pipefail
cd "$(dirname "$0")/.."
OUT=${OUT:-$PWD/benchmarks/results/gpu}
mkdir -p "$OUT"
export PYTHON=${PYTHON:-python3} TSHARNESS_REQUIRE_CUDA=1 PYTHONUNBUFFERED=1

if compgen -G '.whl/*.whl' >/dev/null; then
  "$PYTHON" -m pip install -q --no-index --no-deps .whl/*.whl
fi
"$PYTHON" -m pip install -q --no-deps --no-build-isolation . 2>&1 | tee "$OUT/build.log"
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader > "$OUT/machine.txt" || true
"$PYTHON" -c 'import torch; print("torch", torch.__version__, torch.cuda.get_device_name())' >> "$OUT/machine.txt"

"$PYTHON" -m pytest -m cuda -p no:cacheprovider 2>&1 | tee "$OUT/tests.log" || failed=1

"$PYTHON" - <<'PY'
import sys
from pathlib import Path
sys.path.insert(0, "examples")
import resnet, transformer, tsharness
folder = Path("demo")
folder.mkdir(exist_ok=True)
tsharness.export(*resnet.make(), folder / "resnet.pt", method="trace", families="zeros")
tsharness.export(*transformer.make(), folder / "transformer.pt", method="script", families=())
PY
for model in resnet transformer; do
  for device in cpu cuda; do
    "$PYTHON" -m tsharness bench "demo/$model.pt" --device "$device" --json "$OUT/$model-$device.json"
    "$PYTHON" -m tsharness verify "demo/$model.pt" --device "$device" --level full \
      --json "$OUT/$model-$device-verify.json" 2>&1 | tee "$OUT/$model-$device-verify.log" || failed=1
  done
done
exit "${failed:-0}"
