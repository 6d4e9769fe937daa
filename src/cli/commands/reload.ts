// `eudaemon reload`: see want-command.ts.

import { createWantCommand } from '../want-command.ts'

export const run = createWantCommand({ verb: 'reload', goal: 'ready', doing: 'reloading' })
