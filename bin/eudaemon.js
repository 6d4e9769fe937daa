#!/usr/bin/env node
// The command's entry: checks the Node version, then starts the sources (in a checkout) or the
// bundle (in the published package). Only syntax that Node 10 can already parse: an old Node must
// be able to read this file in order to refuse it.

var oldest = [22, 18]

function isTooOld(version) {
  var parts = version.split('.').map(Number)
  return parts[0] < oldest[0] || (parts[0] === oldest[0] && parts[1] < oldest[1])
}

function refuse(hint) {
  var needed = oldest.join('.')
  process.stderr.write(
    'eudaemon: Node ' +
      process.versions.node +
      ' is too old: ' +
      needed +
      ' or newer is needed' +
      hint +
      '\n',
  )
  process.exitCode = 100
}

function findPinned() {
  var path = require('path')
  var fs = require('fs')
  var pinned = path.join(path.dirname(__dirname), 'node_modules/.bin/node')
  return fs.existsSync(pinned) ? pinned : null
}

function refuseWithHint() {
  var pinned = findPinned()
  refuse(pinned ? '; this checkout has one: ' + pinned : '')
}

// Not Node's default below /tmp: another user could put compiled code there for root to run.
function cacheFolder() {
  if (process.getuid() === 0) return '/var/cache/eudaemon'
  var home = process.env.XDG_CACHE_HOME || (process.env.HOME && process.env.HOME + '/.cache')
  return home && home[0] === '/' ? home + '/eudaemon' : null
}

function load(fs) {
  // Sources win over a bundle that an earlier build left in the checkout.
  if (fs.existsSync(__dirname + '/../src/cli/main.ts')) return import('../src/cli/main.ts')
  var isRun = process.argv[2] === 'run' && process.argv.indexOf('--supervised') === -1
  return Promise.resolve(require(isRun ? '../dist/run/run.cjs' : '../dist/cli/main.cjs'))
}

function start() {
  // Under a umask that denies the owner the folder would be made for nobody to use.
  var cache = process.umask() & 448 ? null : cacheFolder()
  if (cache) process.getBuiltinModule('node:module').enableCompileCache(cache)
  load(process.getBuiltinModule('node:fs'))
    .then(function (cli) {
      return cli.main(process.argv.slice(2))
    })
    .then(function (exitCode) {
      process.exitCode = exitCode
    })
}

if (isTooOld(process.versions.node)) refuseWithHint()
else start()
