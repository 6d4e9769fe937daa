// Why a process was not started: the step that refused, by its name, as a value. The reasons have the
// same form as those of kernel/spawn-failure.ts (`chdir '/srv': …`), so that people see one kind of
// message whether a step was refused before the spawn, in the preamble, or by exec.

/** The step between the wish to start and the first instruction of the program. */
export type LaunchStage =
  | 'env-file'
  | 'credentials'
  | 'chdir'
  | 'umask'
  | 'nice'
  | 'limits'
  | 'exec'

export interface LaunchRefusal {
  readonly kind: 'refused'
  readonly stage: LaunchStage
  /** For people, whole: begins with the stage and ends with what to do where that is known. */
  readonly reason: string
}

/** `refuse('chdir', "'/srv'", 'there is no such directory')` */
export function refuse(stage: LaunchStage, object: string, detail: string): LaunchRefusal {
  const on = object === '' ? '' : ` ${object}`
  return { kind: 'refused', stage, reason: `${stage}${on}: ${detail}` }
}

const stages: readonly LaunchStage[] = [
  'env-file', 'credentials', 'chdir', 'umask', 'nice', 'limits', 'exec',
]

/** True for the name of a stage. */
export function isLaunchStage(word: string): word is LaunchStage {
  return (stages as readonly string[]).includes(word)
}
