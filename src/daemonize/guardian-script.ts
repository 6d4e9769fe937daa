// The guardian: a plain shell loop of about one megabyte that starts the supervisor again when it
// dies. It is a child subreaper (the flag was set before exec and survives it), so orphans of
// services become its children, and `wait` reaps them. It decides nothing else.

import { MAX_SHORT_LIVES, SHORT_LIFE_SECONDS } from '../base/limits.ts'

/**
 * `$@` is the supervisor's command line. Exit status 0 of the supervisor means that it was asked to
 * end, 75 that another one holds the lock. Time comes from /proc/uptime, which needs no fork; after
 * several short lives in a row, a second passes between two.
 *
 * A trapped signal ends `wait` early, while the supervisor lives: so wait again. When it ended at
 * the same moment, dash still knows its status; bash may have forgotten it and says 127. Then a new
 * life begins, as for a signal that met no supervisor, or one too young to answer: it is told what
 * was asked, and ends in order.
 */
export const guardianScript = `
unset EUDAEMON_GUARDIAN_SCRIPT
trap '' HUP
ask() {
  trapped=1
  EUDAEMON_GUARDIAN_ASKED=$1
  if [ -n "$child" ]; then kill -"$1" "$child" 2>/dev/null; fi
}
child= short=0
trap 'ask TERM' TERM
trap 'ask INT' INT
EUDAEMON_GUARDIAN_PID=$$
EUDAEMON_LAST_EXIT=\${EUDAEMON_LAST_EXIT:-}
EUDAEMON_GUARDIAN_ASKED=\${EUDAEMON_GUARDIAN_ASKED:-}
export EUDAEMON_GUARDIAN_PID EUDAEMON_LAST_EXIT EUDAEMON_GUARDIAN_ASKED
while :; do
  read -r up idle </proc/uptime
  began=\${up%.*}
  trapped=
  "$@" &
  child=$!
  # It came before the number was known.
  if [ -n "$trapped" ]; then ask "$EUDAEMON_GUARDIAN_ASKED"; fi
  status=
  while :; do
    trapped= earlier=$status
    wait "$child"
    status=$?
    if [ "$status" = 127 ] && [ -n "$earlier" ]; then status=$earlier; break; fi
    if [ -z "$trapped" ]; then break; fi
  done
  child=
  case $status in 0|75) exit "$status" ;; esac
  EUDAEMON_LAST_EXIT=$status
  read -r up idle </proc/uptime
  lived=$((\${up%.*} - began)) short=$((short + 1))
  if [ "$lived" -ge ${SHORT_LIFE_SECONDS} ]; then short=0; fi
  if [ "$short" -gt ${MAX_SHORT_LIVES} ]; then sleep 1; fi
done
`
