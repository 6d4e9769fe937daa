// What a preamble says before it becomes the program: text that names the step that failed, or
// nothing and the end of the pipe.

import type { Fd } from '../base/brands.ts'
import { MAX_STAGE_REPORT_BYTES } from '../base/limits.ts'
import { closeFd } from '../kernel/fd.ts'
import { POLLIN, type Poller } from '../kernel/poll.ts'
import { readAvailable } from '../launch/read-available.ts'
import { printRefusal, readStageReport } from './launch-plan.ts'

/**
 * The preamble says what failed, or closes its descriptor without a word by becoming the program.
 * Returns how to read to the end at once, for a process that has ended.
 */
export function watchPreamble(
  poller: Poller,
  reader: Fd,
  onOver: (failure: string | null) => void,
): () => void {
  let text = ''
  let isOver = false
  const look = () => {
    if (isOver) return
    const read = readAvailable(reader)
    if (text.length < MAX_STAGE_REPORT_BYTES) text += read.text
    if (!read.isAtEnd) return
    finish()
  }
  const finish = () => {
    if (isOver) return
    text += readAvailable(reader).text
    isOver = true
    poller.remove(reader)
    closeFd(reader)
    const refusal = readStageReport(text)
    onOver(refusal === null ? null : printRefusal(refusal))
  }
  poller.add(reader, POLLIN, look)
  return finish
}
