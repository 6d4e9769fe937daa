// Why a process was not started: the step that refused, by its name, as a value. The same kind of
// answer whether a step was refused before the spawn or in the preamble.

/** The step between the wish to start and the first instruction of the program. */
export type LaunchStage =
  | 'env-file'
  | 'credentials'
  | 'chdir'
  | 'chroot'
  | 'umask'
  | 'nice'
  | 'limits'
  | 'exec'

export interface LaunchRefusal {
  readonly kind: 'refused'
  readonly stage: LaunchStage
  /** For people; follows the name of the stage and ends with what to do where that is known. */
  readonly reason: string
}

/** `refuse('chdir', "'/srv'", 'there is no such directory')` */
export function refuse(stage: LaunchStage, object: string, detail: string): LaunchRefusal {
  return { kind: 'refused', stage, reason: object === '' ? detail : `${object}: ${detail}` }
}

/** `chdir: '/srv': there is no such directory` */
export function printRefusal({ stage, reason }: LaunchRefusal): string {
  return `${stage}: ${reason}`
}

const stages: readonly LaunchStage[] = [
  'env-file',
  'credentials',
  'chdir',
  'chroot',
  'umask',
  'nice',
  'limits',
  'exec',
]

/** True for the name of a stage. */
export function isLaunchStage(word: string): word is LaunchStage {
  return (stages as readonly string[]).includes(word)
}
