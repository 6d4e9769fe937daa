// The probe as a Node program: node probe-node-program.ts DIR

import { obeyOrders, writeReady } from './probe-node.ts'

const [, , folder = ''] = process.argv
obeyOrders(folder)
writeReady(folder)
