#!/usr/bin/env bash
# Everything that needs a GPU, in one call: builds, measures, and runs the tests marked `cuda` (without a GPU they
# fail here instead of being skipped). Results go to $OUT (default: benchmarks/results/gpu).
#
# The machine may reach no registry: wheels that it lacks (the build needs nvidia-cudnn-frontend for the
# nlohmann-json header, the tests silero-vad) are taken from .whl/ if that folder is there.
set -uo pipefail
cd "$(dirname "$0")/.."
OUT=${OUT:-$PWD/benchmarks/results/gpu}
mkdir -p "$OUT"
export PYTHON=${PYTHON:-python3} TSHARNESS_REQUIRE_CUDA=1 PYTHONUNBUFFERED=1 NO_COLOR=1 COLUMNS=240
failed=0

step() { # NAME COMMAND...: its output goes to the screen and to $OUT/NAME.log
  local name=$1 start=$SECONDS
  shift
  echo "=== $name"
  "$@" 2>&1 | tee "$OUT/$name.log" || { failed=1 && echo "=== $name FAILED"; }
  echo "=== $name took $((SECONDS - start)) s"
}

if compgen -G '.whl/*.whl' >/dev/null; then
  "$PYTHON" -m pip install -q --no-index --no-deps .whl/*.whl
fi
step build "$PYTHON" -m pip install -q --no-deps --no-build-isolation .
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader > "$OUT/machine.txt" || true
"$PYTHON" -c 'import torch; print("torch", torch.__version__, torch.cuda.get_device_name())' >> "$OUT/machine.txt"

cd benchmarks
step gpu_split "$PYTHON" gpu_split.py --save --rounds 3
cd ..
cp benchmarks/results/gpu_split.json "$OUT/" || true

step tests timeout 200 "$PYTHON" -m pytest -m cuda -p no:cacheprovider -p no:benchmark -q

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
examples() {
  local model ended=0
  for model in resnet transformer; do
    "$PYTHON" -m tsharness bench "demo/$model.pt" --device cuda --profile || ended=1
    "$PYTHON" -m tsharness verify "demo/$model.pt" --device cuda --level full || ended=1
  done
  "$PYTHON" -m tsharness bench demo/resnet.pt --case example --device cuda --sweep tf32=false,true --dim batch=1,64 || ended=1
  "$PYTHON" -m tsharness bench demo/resnet.pt --case example --device cuda --against python || ended=1
  return $ended
}
step examples examples
exit $failed
