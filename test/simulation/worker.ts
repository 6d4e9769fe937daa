// One of several that share a long run: takes ranges of seeds, answers with totals.

import { parentPort } from 'node:worker_threads'
import { type Range, runSeeds } from './run-seeds.ts'

parentPort?.on('message', (range: Range) => parentPort?.postMessage(runSeeds(range)))
