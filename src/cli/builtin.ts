// Node's own modules for what every command does. An `import` of node:fs would touch each of its
// exports, streams and promises included, which takes longer than the rest of a command.

export const fs = process.getBuiltinModule('node:fs')
export const path = process.getBuiltinModule('node:path')
