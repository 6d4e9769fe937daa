// The error of a descriptor store without room: which limit it is, how much is kept, what to do.

import { ToolkitError } from '../base/toolkit-error.ts'
import { descriptorLimit } from '../kernel/fd.ts'
import type { StoreSize } from './descriptor-store.ts'
import type { SendOutcome } from './store-queue.ts'

export function storeFull(
  outcome: Exclude<SendOutcome, 'sent'>,
  refused: readonly string[],
  { names, descriptors, messages }: StoreSize,
): ToolkitError {
  const { soft } = descriptorLimit()
  const what = refused.length === 1 ? `'${refused[0]}'` : `${refused.length} names`
  const kept = `${descriptors} descriptors of ${names} names in ${messages} messages`
  const [reason, hint] =
    outcome === 'full'
      ? [
          `the send buffer (SO_SNDBUF) is full with ${kept}`,
          'Raise net.core.wmem_max (sysctl) and start the supervisor anew, or run fewer services.',
        ]
      : [
          `with ${kept} this user has more in flight than RLIMIT_NOFILE, ${soft}, allows`,
          'Raise the hard limit of open files (RLIMIT_NOFILE) of this user, or run fewer services.',
        ]
  return new ToolkitError('ERR_DESCRIPTOR_STORE_FULL', `cannot keep ${what}: ${reason}`, {
    context: { names, descriptors, messages, openFilesLimit: soft },
    hint,
  })
}
