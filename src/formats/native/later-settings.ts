// Settings that a later version will have, and what to use meanwhile. They are refused, because a
// limit or a socket that is silently ignored is worse than an error. Also: what other systems call
// our settings, for suggestions.

import type { FieldScope } from '../../model/service-fields.ts'

const laterKeys: Readonly<Record<string, string>> = {
  'service.listen': 'Let the service open its socket itself for now.',
  'service.activation': 'Use start = "auto" or "manual" for now.',
  'service.schedule': 'Let cron or a timer of the system run `eudaemon start NAME` for now.',
  'service.watchdog': 'Use live = { http = "…" } or another probe for now.',
  'service.memory': 'Use limits = { as = "2G" } (address space) for now.',
  'service.cpu-quota': 'Use nice = 10 for now.',
  'service.limits.memory': 'Use limits = { as = "2G" } (address space) for now.',
  'service.limits.cpu-quota': 'Use nice = 10 for now; limits.cpu bounds CPU seconds in total.',
  'service.limits.tasks': 'Use limits = { nproc = 512 } for now.',
  'service.ready.sd-notify': 'Use ready = { notify-fd = 3 }, a probe or a log pattern for now.',
  'service.ready.forking': 'Run the program in the foreground (most have an option) for now.',
  'service.ready.pid-file': 'Run the program in the foreground (most have an option) for now.',
  'service.live.watchdog': 'Use live = { http = "…" } or another probe for now.',
  'project.include': 'Put all services into one file for now.',
}

/** What to do instead, when the key belongs to a later version. */
export function adviseLaterKey(scope: FieldScope, key: string): string | undefined {
  const name = `${scope}.${key}`
  return Object.hasOwn(laterKeys, name) ? laterKeys[name] : undefined
}

const aliases: Readonly<Record<string, string>> = {
  'project.service': 'services',
  'project.programs': 'services',
  'project.apps': 'services',
  'project.processes': 'services',
  'project.environment': 'env',
  'service.cmd': 'command',
  'service.exec': 'command',
  'service.script': 'command',
  'service.run': 'command',
  'service.execstart': 'command',
  'service.args': 'command',
  'service.environment': 'env',
  'service.env-vars': 'env',
  'service.environment-file': 'env-file',
  'service.cwd': 'directory',
  'service.workdir': 'directory',
  'service.dir': 'directory',
  'service.working-dir': 'directory',
  'service.working-directory': 'directory',
  'service.autostart': 'start',
  'service.enabled': 'start',
  'service.type': 'kind',
  'service.depends-on': 'requires',
  'service.depends': 'requires',
  'service.needs': 'requires',
  'service.replicas': 'instances',
  'service.numprocs': 'instances',
  'service.scale': 'instances',
  'service.autorestart': 'restart',
  'service.restart-policy': 'restart',
  'service.healthcheck': 'live',
  'service.liveness': 'live',
  'service.readiness': 'ready',
  'service.health': 'live',
  'service.stop-signal': 'stop = { signal = … }',
  'service.stop-timeout': 'stop = { timeout = … }',
  'service.stopsignal': 'stop = { signal = … }',
  'service.kill-timeout': 'stop = { timeout = … }',
  'service.logs': 'log',
  'service.logging': 'log',
  'service.priority': 'nice',
  'service.pre-start': 'setup',
  'service.post-stop': 'finish',
  'service.ready.url': 'http',
  'service.ready.port': 'tcp',
  'service.ready.command': 'exec',
  'service.ready.regex': 'log',
  'service.ready.pattern': 'log',
  'service.live.url': 'http',
  'service.live.port': 'tcp',
  'service.live.command': 'exec',
  'service.live.retries': 'failures',
  'service.live.timeout': 'attempt-timeout',
  'service.limits.open-files': 'nofile',
  'service.log.size': 'max-size',
  'service.log.max-files': 'keep',
  'service.log.age': 'max-age',
  'service.log.backups': 'keep',
  'service.restart.delay': 'backoff',
  'service.restart.max-retries': 'burst',
}

/** Our word for what another system calls `key`. */
export function findAlias(scope: FieldScope, key: string): string | undefined {
  const name = `${scope}.${key}`
  return Object.hasOwn(aliases, name) ? aliases[name] : undefined
}

/** Key as in the table of settings, and what to do meanwhile. */
export function listLaterSettings(): readonly (readonly [key: string, advice: string])[] {
  return Object.entries(laterKeys).map(([key, advice]) => [key.replace(/^\w+\./, ''), advice])
}
