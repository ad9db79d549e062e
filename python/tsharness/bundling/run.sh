#!/bin/sh
# Verifies and benches the artifact of this folder, prints the verdict and writes results.json, which
# `tsharness report results.json` judges and renders.
#
#   ./run.sh [--output FILE] [--only verify|bench]
#
# A LibTorch that is not in the folder: LIBTORCH=/opt/libtorch ./run.sh
set -u
case $0 in */*) here=$(cd "${0%/*}" && pwd) ;; *) here=$(pwd) ;; esac
runner=$here/runtime/tsharness/bin/tsharness-runner

if ! command -v sha256sum >/dev/null; then
  echo "note    no sha256sum here: whether the folder is whole was not looked at" >&2
elif ! (cd "$here" && sha256sum -c SHA256SUMS >/dev/null); then
  echo "FAIL    this folder is not what was bundled: copy it again" >&2
  exit 1
fi
if [ -n "${LIBTORCH:-}" ]; then
  LD_LIBRARY_PATH=$LIBTORCH/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  export LD_LIBRARY_PATH
fi
"$runner" --bundle "$here" "$@"
code=$?
if [ $code -ge 126 ]; then
  echo "error: the runner does not start here. Without LibTorch in the folder, say where it is:" >&2
  echo "LIBTORCH=/opt/libtorch $0  (or: tsharness bundle --with-libtorch)" >&2
  exit 8
fi
exit $code
