// Measures eudaemon side by side with other supervisors, in one run: `npm run bench -- --help`.
// Absolute figures drift from machine to machine and from hour to hour; the ratios of one run
// count.

import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createEudaemon, unpackPackage } from './eudaemon.ts'
import { captureSettings, loggers, measureLogger, measureOurs } from './log-capture.ts'
import { type Peer, type Place, peers } from './peers.ts'
import { compilePrograms } from './programs.ts'
import { measurePrompt } from './prompt.ts'
import { crowdCells, runSession } from './session.ts'
import { createResults } from './table.ts'

const loggerNames = loggers.map(({ name }) => name).join(',')
const peerNames = peers.map(({ name }) => name).join(',')

const help = `npm run bench -- [OPTIONS]
  --only CELLS      of ${crowdCells.join(',')},log1,log20,prompt (all)
  --peers NAMES     of eudaemon,${peerNames},${loggerNames} (all installed)
  --services N      of the crowd (1000)
  --rounds N        every supervisor in turn, so many times; medians are shown (3)
  --kills N         for the latency of a restart (30)
  --rest SECONDS    (30)
  --lines N         of 100 bytes, for log capture (10000000)
  --settings TOML   what each service of ours is told (restart = { stable = "500ms" })
  --flags WORDS     for the node that runs us, in front of the script
  --folder PATH     where all is done (a fresh one in ${tmpdir()})
  --json FILE       also write every value there
  --no-build        dist/ is up to date
`

const { values } = parseArgs({
  allowNegative: true,
  options: {
    only: { type: 'string', default: [...crowdCells, 'log1', 'log20', 'prompt'].join(',') },
    peers: { type: 'string' },
    services: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '3' },
    kills: { type: 'string', default: '30' },
    rest: { type: 'string', default: '30' },
    lines: { type: 'string', default: '10000000' },
    settings: { type: 'string', default: 'restart = { stable = "500ms" }' },
    flags: { type: 'string', default: '' },
    folder: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
    build: { type: 'boolean', default: true },
    help: { type: 'boolean', default: false },
  },
})

const say = (text: string): void => void process.stderr.write(text)

async function measure(folder: string): Promise<void> {
  const programs = compilePrograms(makeFolder(join(folder, 'programs')))
  const script = unpackPackage(folder, !values.build)
  const cells = new Set(values.only.split(','))
  const asked = values.peers === undefined ? null : new Set(values.peers.split(','))
  const isAsked = ({ name }: { readonly name: string }) => asked === null || asked.has(name)
  const cache = join(folder, 'compiled')
  const flags = values.flags.split(' ').filter((word) => word !== '')
  const ours = createEudaemon(script, cache, values.settings, flags)
  const results = createResults()
  let count = 0
  const within = async (what: string, action: (place: Place) => Promise<void>): Promise<void> => {
    count += 1
    const place = { folder: makeFolder(join(folder, `run-${count}`)), tag: `${folder}/${count}` }
    say(`${what} `)
    await action(place)
    rmSync(place.folder, { recursive: true, force: true })
  }
  const crowd: readonly Peer[] = [ours, ...peers].filter(isAsked)
  const missing = crowd.filter(({ isInstalled }) => !isInstalled).map(({ name }) => name)
  if (missing.length > 0) say(`not installed, left out: ${missing.join(', ')}\n`)
  const options = {
    cells,
    services: Number(values.services),
    kills: Math.min(Number(values.kills), Number(values.services) >> 1),
    restSeconds: Number(values.rest),
    program: programs.service,
    programs: join(folder, 'programs'),
  }
  if (cells.has('log1') || cells.has('log20')) warmUp(folder, Number(values.lines))
  const capturer = createEudaemon(script, cache, captureSettings, flags)
  for (let round = 0; round < Number(values.rounds); round += 1) {
    if (cells.has('prompt')) measurePrompt(script, folder, results)
    if (crowdCells.some((cell) => cells.has(cell))) {
      for (const peer of crowd.filter(({ isInstalled }) => isInstalled)) {
        await within(peer.name, (place) => runSession(peer, place, options, results))
      }
    }
    for (const writers of [1, 20].filter((number) => cells.has(`log${number}`))) {
      const capture = { writers, lines: Number(values.lines), programs }
      if (isAsked(ours)) {
        await within('log', (place) => measureOurs(capturer, place, capture, results))
      }
      for (const logger of loggers.filter(isAsked)) {
        await within(logger.name, (place) => measureLogger(logger, place, capture, results))
      }
    }
  }
  say('\n')
  process.stdout.write(results.print())
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify(results.toJson(), null, 2)}\n`)
  }
}

/** Memory that a virtual machine touches for the first time costs several times more than later. */
function warmUp(folder: string, lines: number): void {
  const block = Buffer.alloc(1_000_000)
  const path = join(folder, 'warm-up')
  const fd = openSync(path, 'w')
  for (let left = lines * 100 * 1.2; left > 0; left -= block.length) writeSync(fd, block)
  closeSync(fd)
  rmSync(path)
}

function makeFolder(path: string): string {
  mkdirSync(path)
  return path
}

if (values.help) process.stdout.write(help)
else {
  const folder = mkdtempSync(join(values.folder, 'bench-'))
  try {
    await measure(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
