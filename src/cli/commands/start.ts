// `eudaemon start`: see want-command.ts.

import { createWantCommand } from '../want-command.ts'

export const run = createWantCommand({ verb: 'up', goal: 'ready', doing: 'starting' })
