// Who the test is, and how commands are run with fewer rights than that.

export const isRoot = process.getuid?.() === 0

/**
 * Runs a command in a mount namespace where no control group can be made: as in a container that
 * mounts /sys/fs/cgroup read-only. For root.
 */
export const withoutCgroups: readonly string[] = [
  'unshare',
  '--mount',
  'sh',
  '-c',
  'for at in /sys/fs/cgroup/unified /sys/fs/cgroup; do ' +
    '[ ! -e "$at/cgroup.procs" ] || mount -o remount,bind,ro "$at" || exit 1; done; exec "$@"',
  'sh',
]

/** Runs a command as an unprivileged user. For root. */
export const asNobody: readonly string[] = [
  'setpriv',
  '--reuid=65534',
  '--regid=65534',
  '--clear-groups',
]
