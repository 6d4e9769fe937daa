// What the simulation drives: the doors of src/core, as values, so that a mutant is a wrapper
// around one of them.

import { adopt, restoreAfterBoot, restoreState } from '../../src/core/adoption.ts'
import { assertInstance } from '../../src/core/invariants.ts'
import { step } from '../../src/core/supervisor-step.ts'

export const realCore = { step, adopt, restoreState, restoreAfterBoot, assertInstance }
export type Core = typeof realCore
