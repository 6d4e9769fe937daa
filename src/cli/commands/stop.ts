// `eudaemon stop`: see want-command.ts.

import { createWantCommand } from '../want-command.ts'

export const run = createWantCommand({ verb: 'down', goal: 'down', doing: 'stopping' })
