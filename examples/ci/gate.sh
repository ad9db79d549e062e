#!/usr/bin/env bash
# The gate of a CI job: verifies the suite, compares it with what is deployed, leaves reports/.
# Ends with the worse exit code of the two, and runs both in any case: a red job should say all that is wrong.
set +e -uo pipefail

mkdir -p reports
tsharness verify --json reports/verify.json --junit reports/verify.xml --markdown reports/verify.md --html reports/verify.html
verified=$?
tsharness compare --json reports/compare.json --junit reports/compare.xml --markdown reports/compare.md --html reports/compare.html
compared=$?
[ "$verified" -ne 0 ] && exit "$verified"
exit "$compared"
