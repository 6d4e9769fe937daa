// Our own process number, with its type.

import { type Pid, toPid } from '../base/brands.ts'

export const ownPid = (): Pid => toPid(process.pid)
