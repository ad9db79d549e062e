set -x
python3 -m pip install -q --no-index --no-deps .whl/*.whl
python3 -m pip install -q --no-deps --no-build-isolation . || exit 1
R=$(python3 -c 'from tsharness.runner.find import find_runner; print(find_runner().path)')
$R --describe | head -c 600
echo "LD=$LD_LIBRARY_PATH"; ls -la /usr/local/nvidia /usr/local/nvidia/lib64 | head -40; ls -la /dev/nvidia* | head; ldconfig -p | grep -E "libcuda\.|nvidia-ml" 
ldd $R | grep -E "torch|cuda" | head
cd examples
cat > /tmp/exp.py <<'P'
import linear, tsharness, faulthandler
faulthandler.enable()
tsharness.export(*linear.make(), "/tmp/linear.pt", families=())
print("exported")
P
PYTHONPATH=. python3 /tmp/exp.py 2>&1 | tail -5
PYTHONPATH=. python3 -W error /tmp/exp.py 2>&1 | tail -5
for s in auto off; do python3 -m tsharness bench /tmp/linear.pt --case example --device cuda --sandbox $s --processes 1 2>&1 | tail -12; done
cat > /tmp/test_x.py <<'P'
def test_x():
    import linear, tsharness
    tsharness.export(*linear.make(), "/tmp/linear2.pt", families=())
P
PYTHONPATH=. timeout 60 cuda-gdb -batch -ex run -ex bt --args python3 -m pytest -q -p no:cacheprovider /tmp/test_x.py 2>&1 | tail -40 | cut -c1-300
