// The OpenAPI 3.1 document of the control API, made from the table of routes.

import { type Route, routes } from './routes.ts'
import { type Schema, type SchemaName, schemas } from './schemas.ts'
import { PROTOCOL_VERSION } from './version.ts'

/** A plain JSON value. */
export function openApiDocument(): Schema {
  const paths: Record<string, Record<string, Schema>> = {}
  for (const [name, route] of Object.entries(routes)) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(name, route) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'eudaemon control API',
      version: String(PROTOCOL_VERSION),
      description:
        'HTTP/1.1 over the Unix socket control.sock. Requests with an Origin header are refused.',
    },
    paths,
    components: { schemas },
  }
}

function operationOf(name: string, route: Route): Schema {
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map((match) => ({
    name: match[1],
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const inQuery = route.query.map(({ name, doc }) => ({
    name,
    in: 'query',
    description: doc,
    schema: { type: 'string' },
  }))
  const type = route.form === 'json' ? 'application/json' : 'application/x-ndjson'
  const content = route.response === null ? {} : { content: { [type]: schemaOf(route.response) } }
  return {
    operationId: name,
    summary: route.summary,
    parameters: [...inPath, ...inQuery],
    ...(route.request === null
      ? {}
      : { requestBody: { content: { 'application/json': schemaOf(route.request) } } }),
    responses: {
      200: { description: 'Done.', ...content },
      default: {
        description: 'Refused; the code says why.',
        content: { 'application/json': schemaOf('ErrorAnswer') },
      },
    },
  }
}

function schemaOf(name: SchemaName): Schema {
  return { schema: { $ref: `#/components/schemas/${name}` } }
}
