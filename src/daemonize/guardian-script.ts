// The guardian: a plain shell loop of about one megabyte that starts the supervisor again when it
// dies. It is a child subreaper (the flag was set before exec and survives it), so orphans of
// services become its children, and `wait` reaps them. It decides nothing else.

/**
 * `$@` is the supervisor's command line. Exit status 0 of the supervisor means that it was asked to
 * end, 75 that another one holds the lock. Time comes from /proc/uptime, which needs no fork; from
 * the sixth life in a row that is shorter than five seconds on, a second passes between two.
 */
export const guardianScript = `
trap '' HUP
trap 'trapped=1; kill -TERM "$child" 2>/dev/null' TERM
trap 'trapped=1; kill -INT "$child" 2>/dev/null' INT
short=0
EUDAEMON_GUARDIAN_PID=$$
EUDAEMON_LAST_EXIT=\${EUDAEMON_LAST_EXIT:-}
export EUDAEMON_GUARDIAN_PID EUDAEMON_LAST_EXIT
while :; do
  read -r up idle </proc/uptime
  began=\${up%.*}
  "$@" &
  child=$!
  trapped=1
  # A trapped signal ends wait early, while the child still lives: wait again.
  while [ "$trapped" = 1 ]; do
    trapped=0
    wait "$child"
    status=$?
  done
  case $status in 0|75) exit "$status" ;; esac
  EUDAEMON_LAST_EXIT=$status
  read -r up idle </proc/uptime
  if [ $((\${up%.*} - began)) -lt 5 ]; then short=$((short + 1)); else short=0; fi
  if [ "$short" -gt 5 ]; then sleep 1; fi
done
`
