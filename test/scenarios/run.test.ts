// Every story of this folder is played and compared with the trace that it shows. After a change
// that is meant: node test/scenarios/run.test.ts --rewrite, and read the difference.
//
// A file is a title in comments, then blocks: commands, `----`, the trace, a blank line.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { Story } from './story.ts'

const folder = new URL('.', import.meta.url)
const isRewriting = process.argv.includes('--rewrite')

/** The same file with the trace that is true now. */
function play(text: string): string {
  const story = new Story()
  const blocks = text.trimEnd().split(/\n\n/)
  return `${blocks
    .map((block) => {
      const lines = block.split('\n')
      const comments = lines.filter((line) => line.startsWith('#'))
      const rule = lines.indexOf('----')
      const commands = (rule === -1 ? lines : lines.slice(0, rule)).filter(
        (line) => !line.startsWith('#'),
      )
      if (commands.length === 0) return comments.join('\n')
      return [...comments, ...commands, '----', story.run(commands)].join('\n')
    })
    .join('\n\n')}\n`
}

const files = readdirSync(folder)
  .filter((name) => name.endsWith('.txt'))
  .sort()

test('there are stories', () => assert.ok(files.length >= 25, `${files.length} stories`))

for (const file of files) {
  test(file.replace('.txt', '').replaceAll('-', ' '), () => {
    const path = new URL(file, folder)
    const text = readFileSync(path, 'utf8')
    const now = play(text)
    if (isRewriting) writeFileSync(path, now)
    else assert.equal(now, text)
  })
}
