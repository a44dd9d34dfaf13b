#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the unit-test programs named, one line each; shows the output of those that fail. Exit code 1 if
# one did. UNIT_TIMEOUT: seconds that one program may take.
total=0
failed=0
for program in "$@"; do
    log=$program.log
    if timeout "${UNIT_TIMEOUT:-300}" "$program" >"$log" 2>&1; then
        count=$(sed -n 's/.*\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log" | awk '{ n += $1 } END { print n }')
        total=$((total + ${count:-0}))
        printf 'ok    %-28s %3d tests\n' "$(basename "$program")" "${count:-0}"
    else
        status=$?
        failed=$((failed + 1))
        printf 'FAIL  %-28s exit code %d\n' "$(basename "$program")" "$status"
        grep -v '^\[ *\(RUN\|OK\) *\]' "$log" | sed 's/^/      /'
    fi
done
if [ "$failed" -ne 0 ]; then
    echo "unit: $failed of $# programs failed; logs beside them in build/unit"
    exit 1
fi
echo "unit: $# programs, $total tests, all passed"
