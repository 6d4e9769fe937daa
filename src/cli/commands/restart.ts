// `eudaemon restart`: see want-command.ts.

import { createWantCommand } from '../want-command.ts'

export const run = createWantCommand({ verb: 'restart', goal: 'restarted', doing: 'restarting' })
