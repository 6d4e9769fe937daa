// docs/reference/control-api.md, from the table of routes.

import { type Route, routes } from '../../src/protocol/routes.ts'

export function printApiPage(): string {
  return [
    '# Control API',
    '<!-- Made from src/protocol/routes.ts by scripts/generate.ts: do not edit. -->',
    'HTTP/1.1 over the Unix socket `control.sock` in the runtime directory, for the user of the ' +
      'supervisor and root. `GET /v1/openapi.json` describes every field. An error is ' +
      '`{ "error": { "code", "message", "hint" } }`; see [errors](errors.md).',
    '    curl --unix-socket "$EUDAEMON_HOME/run/control.sock" http://localhost/v1/status',
    'A request that changes something is answered when it has been decided on, not when it has ' +
      'been carried out: follow `/v1/events?since=SEQUENCE&follow=1` from the `sequence` of the ' +
      'answer.',
    ...Object.values<Route>(routes).map(printRoute),
  ]
    .join('\n\n')
    .concat('\n')
}

function printRoute({ method, path, summary, query, request, response, form }: Route): string {
  const lines = [`## ${method} ${path}`, summary]
  if (query.length > 0)
    lines.push(query.map(({ name, doc }) => `- \`?${name}=\`: ${doc}`).join('\n'))
  if (request !== null) lines.push(`Request: \`${request}\`.`)
  const shape = form === 'lines' ? 'one JSON object a line' : 'JSON'
  if (response !== null) lines.push(`Answer: \`${response}\`, ${shape}.`)
  return lines.join('\n\n')
}
