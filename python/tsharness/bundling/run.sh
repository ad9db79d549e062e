#!/bin/sh
# Verifies and benches the artifact of this folder, prints the verdict and writes results.json, which
# `tsharness report results.json` judges and renders.
#
#   ./run.sh [--output FILE] [--only verify|bench]
#
# LIBTORCH=/opt/libtorch ./run.sh takes that LibTorch, whether there is one in the folder or not.
set -u
unset CDPATH  # with it, cd may go elsewhere, and says where
self=$0
while [ -L "$self" ]; do
  link=$(readlink "$self") || break
  case $link in /*) self=$link ;; *) case $self in */*) self=${self%/*}/$link ;; *) self=$link ;; esac ;; esac
done
case $self in /*) ;; *) self=./$self ;; esac  # a leading dash is no option
here=$(cd "${self%/*}/" && pwd -P) || exit 8
runner=$here/runtime/tsharness/bin/tsharness-runner

if ! command -v sha256sum >/dev/null; then
  echo "note    no sha256sum here: whether the folder is whole was not looked at" >&2
elif ! (cd "$here" && sha256sum -c SHA256SUMS >/dev/null); then
  echo "FAIL    this folder is not what was bundled: copy it again" >&2
  exit 1
fi
read -r version <"$here/runtime/libtorch-version"
libraries=$here/runtime/torch/lib
if [ -n "${LIBTORCH:-}" ]; then
  for libraries in "$LIBTORCH/lib" "$LIBTORCH/lib64" "$LIBTORCH"/lib/*-linux-gnu none; do
    [ -e "$libraries/libtorch_cpu.so" ] && break
  done
  if [ "$libraries" = none ]; then
    echo "error: there is no lib/libtorch_cpu.so in LIBTORCH=$LIBTORCH" >&2
    echo "name the folder of a LibTorch $version: LIBTORCH=/opt/libtorch $0" >&2
    exit 8
  fi
fi
if [ -d "$libraries" ]; then
  libraries=$(cd -- "$libraries" && pwd -P)  # the runner works in another folder
  LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  export LD_LIBRARY_PATH
fi
"$runner" --bundle "$here" "$@"
code=$?
if [ $code -ge 126 ]; then
  echo "error: the runner does not start here. It needs LibTorch $version; say where that is:" >&2
  echo "LIBTORCH=/opt/libtorch $0  (or: tsharness bundle --with-libtorch)" >&2
  exit 8
fi
exit $code
