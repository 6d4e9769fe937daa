// Where the PID file of a daemon is when nobody says where, so that there is one of a name only.

/** /run for root, XDG_RUNTIME_DIR for others; null when there is none. */
export function usualPidFile(
  name: string,
  uid: number,
  environment: Readonly<Record<string, string | undefined>>,
): string | null {
  const folder = uid === 0 ? '/run' : environment['XDG_RUNTIME_DIR']
  return folder?.startsWith('/') === true ? `${folder}/${name}.pid` : null
}
