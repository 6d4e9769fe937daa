// Brings data/schema.json to the version that web.js expects, one step at a time.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'

const WANTED = 3
const file = 'data/schema.json'

function currentVersion() {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).version
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    return 0
  }
}

mkdirSync('data', { recursive: true })
const found = currentVersion()
console.log(`schema version ${found}, wanted ${WANTED}`)
for (let version = found + 1; version <= WANTED; version += 1) {
  writeFileSync(`${file}.new`, `${JSON.stringify({ version })}\n`)
  renameSync(`${file}.new`, file)
  console.log(`migrated to version ${version}`)
}
