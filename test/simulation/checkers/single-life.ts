// Never two living invocations of one instance, and never a second copy of a process. What kill
// mode `process` leaves behind is not ours any more.

import { livingOf } from '../world.ts'
import { type Checker, violated } from './checker.ts'

export const singleLife: Checker = {
  onSpawn: ({ world }, { id, invocation, role }) => {
    for (const process of livingOf(world, id, null)) {
      const { pid } = process
      const isSame = process.invocation === invocation
      if (isSame && process.role === role) {
        violated('single life', `second ${role} of ${id} while ${pid} lives`)
      }
      if (!isSame && !process.mayStay) {
        violated('single life', `${role} of ${id} while ${process.role} ${pid} is left`)
      }
    }
  },
}
